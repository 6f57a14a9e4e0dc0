"""The certificate of a run's servers, from a maker whom nobody has to believe."""

from __future__ import annotations

from pathlib import Path

from benchmarks.processes import LOOPBACK
from benchmarks.servers import Certificate


def issue(folder: Path) -> Certificate:
    """Write a certificate for the loopback address; ECDSA P-256, as public ones have it mostly."""
    import trustme

    folder.mkdir()
    made = Certificate(folder / "chain.pem", folder / "key.pem")
    issued = trustme.CA(key_type=trustme.KeyType.ECDSA).issue_cert(LOOPBACK, key_type=trustme.KeyType.ECDSA)
    made.key.write_bytes(issued.private_key_pem.bytes())
    for blob in issued.cert_chain_pems:
        with made.chain.open("ab") as file:
            file.write(blob.bytes())
    return made
