"""Installation tokens of a GitHub App: asked for with a signed claim, used for an hour, renewed before they end.

Belongs here: GitHub's own protocol for that (its REST reference, "Create an installation access token for an app"). Not
here: what tokens are good for (credentials.py).
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from modgate.errors import GatewayError, Trouble, Unavailable
from modgate.net.secret import Secret

BEFORE_END = 300.0
"""Seconds before its end from which a token is renewed: longer than any request with it takes to begin."""
CLAIM_SECONDS = 540
"""For which a claim says that it holds; GitHub takes at most 600."""
CLOCKS = 60
"""Seconds by which GitHub's clock may be behind ours."""
PAUSE = 5.0
"""Seconds between two attempts, where one has failed."""

Post = Callable[[str, str], Awaitable[tuple[int, bytes]]]
"""POST to a URL with an Authorization header: status and body. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which app, and which of its installations."""

    app: int
    installation: int
    api: str
    """Base URL of the API, without a slash at its end."""
    setting: str
    """Its name, for error texts."""


class GithubApp:
    """The tokens of one installation."""

    def __init__(self, identity: Identity, key: Secret, post: Post, now: Callable[[], float]) -> None:
        """`key` is the app's private key in PEM; `now` gives seconds since the epoch."""
        self._identity = identity
        self._key = key
        self._post = post
        self._now = now
        self._lock = asyncio.Lock()
        self._token = ""
        self._ends = 0.0
        self._made = 0.0
        self._failure: GatewayError | None = None
        self._failed = 0.0

    async def token(self) -> str:
        """A token that holds for some minutes more.

        Raises:
            Unavailable: there is none.
        """
        async with self._lock:
            now = self._now()
            if self._token and now < self._ends - BEFORE_END:
                return self._token
            try:
                await self._renewed(now)
            except Unavailable:
                # The API is down, and the old one still holds.
                if not self._token or now >= self._ends:
                    raise
            return self._token

    def forget(self) -> None:
        """It was refused. One that is new is kept: a host that refuses all must not cost a token for each request."""
        if self._now() - self._made > PAUSE:
            self._token = ""

    async def _renewed(self, now: float) -> None:
        if self._failure is not None and 0 <= now - self._failed < PAUSE:
            raise self._unavailable(self._failure.reason)
        try:
            claim = await asyncio.to_thread(_claim, self._identity.app, await self._pem(), int(now))
            url = f"{self._identity.api}/app/installations/{self._identity.installation}/access_tokens"
            self._token, self._ends = self._read(*await self._post(url, f"Bearer {claim}"))
            self._made, self._failure = now, None
        except GatewayError as error:
            self._failure, self._failed = error, now
            raise self._unavailable(error.reason) from error

    async def _pem(self) -> bytes:
        return (await self._key.read()).encode()

    def _read(self, status: int, body: bytes) -> tuple[str, float]:
        if status != 201:
            hint = ": check id, installation and key" if status in (401, 403, 404) else ""
            raise self._unavailable(f"{self._identity.api} answered {status}{hint}")
        try:
            told: dict[str, Any] = json.loads(body)
            token, ends = str(told["token"]), datetime.fromisoformat(told["expires_at"]).timestamp()
        except (ValueError, KeyError, TypeError) as error:
            raise self._unavailable(f"{self._identity.api} did not send a token") from error
        return token, ends

    def _unavailable(self, why: str) -> Unavailable:
        said = f"the setting {self._identity.setting} gave no token: "
        return Unavailable(reason=why if why.startswith("the setting") else said + why, trouble=Trouble.OURS)


def _claim(app: int, pem: bytes, now: int) -> str:
    """A JSON Web Token (RFC 7519) that says who we are, signed as RS256 (RFC 7518 §3.3)."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Unavailable(reason="its key is no private key in PEM", trouble=Trouble.OURS) from error
    if not isinstance(key, RSAPrivateKey):
        raise Unavailable(reason="its key is no RSA key", trouble=Trouble.OURS)
    head = {"alg": "RS256", "typ": "JWT"}
    claims = {"iat": now - CLOCKS, "exp": now + CLAIM_SECONDS, "iss": str(app)}
    signed = ".".join(_encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    return f"{signed}.{_encoded(key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
