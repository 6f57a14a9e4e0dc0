"""Ed25519 over the library `cryptography`: what verifies and signs notes.

The library is imported when a key is first used (7 MB, 11 ms): a gateway that serves from its store verifies nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modgate.errors import Malformed
from modgate.tlog.keys import KEY_BYTES, SignerKey, VerifierKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class Ed25519Verifier:
    """Verifies with a public key."""

    def __init__(self, key: VerifierKey) -> None:
        self._key = key
        self._id = key.key_id

    @property
    def name(self) -> str:
        return self._key.name

    @property
    def key_id(self) -> int:
        return self._id

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's signature of `message`; about 70 µs."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self._key.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class Ed25519Signer:
    """Signs with a seed."""

    def __init__(self, key: SignerKey) -> None:
        """Raises:
        Malformed: the key's id is not that of its public key.
        """
        private = _private(key.seed)
        self.verifier_key = VerifierKey(key.name, private.public_key().public_bytes_raw())
        """What others verify its signatures with."""
        if self.verifier_key.key_id != key.key_id:
            raise Malformed("signer key", "", "its id does not match its name and content")
        self._private = private

    @property
    def name(self) -> str:
        return self.verifier_key.name

    @property
    def key_id(self) -> int:
        return self.verifier_key.key_id

    def sign(self, message: bytes) -> bytes:
        """64 bytes; about 20 µs."""
        return self._private.sign(message)


def generate_key(name: str, seed: bytes) -> SignerKey:
    """The signer key of `seed`, 32 bytes that the caller took from a good source of randomness."""
    if len(seed) != KEY_BYTES:
        raise ValueError(f"a seed has {KEY_BYTES} bytes, not {len(seed)}")
    public = _private(seed).public_key().public_bytes_raw()
    return SignerKey(name, VerifierKey(name, public).key_id, seed)


def _private(seed: bytes) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed)
