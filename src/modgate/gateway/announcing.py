"""The banner of a gateway that listens, however many processes it has."""

from __future__ import annotations

from collections.abc import Sequence

from modgate import __version__
from modgate.gomod.redact import redacted
from modgate.serve.banner import Banner, announce
from modgate.settings.load import Loaded


def announced(loaded: Loaded, data: Sequence[str], admin: Sequence[str] = ()) -> None:
    """Tell the operator and the supervisor; `data` and `admin` are addresses, as HOST:PORT."""
    settings = loaded.settings
    scheme = "https" if settings.tls_cert else "http"
    own = [settings.own_database.name] if settings.own_database.name else []
    banner = Banner(
        version=__version__,
        urls=[f"{scheme}://{address}{settings.base_path}" for address in data],
        admin=[f"http://{address}" for address in admin],
        data=str(settings.data),
        upstream="".join(f"{link.shown}{link.after}" for link in loaded.meaning.chain)[:-1],
        databases=[*own, *(redacted(spec.name) for spec in loaded.meaning.databases)],
    )
    announce(banner)
