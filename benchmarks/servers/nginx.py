"""nginx, which does nothing but hand out files: the neighbour that shows what the machine can do.

It serves the files of a store themselves, through hard links beside which list and @latest lie as plain files: modgate
makes those from rows, so nginx gets what modgate answered.

It comes in three kinds. `PLAIN` is what its manual shows for static files, without a log. `LOGGED` is the fair
neighbour: the same with one JSON line for each request, which has an id. `TUNED` is the best that we found for these
small files, without a log: it keeps them open, and sends them by a plain write, so that a request costs four system
calls instead of nine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers import Certificate, empty

CONFIGURATION = """\
{user}daemon off;
worker_processes {workers};
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 1024; }}
http {{
    {log}
    log_not_found off;
    types {{ application/json info; application/zip zip; }}
    default_type "text/plain; charset=utf-8";
    {files}
    # Like modgate, which closes no connection after so many requests.
    keepalive_requests 1000000000;
    client_body_temp_path {home}/temp;
    proxy_temp_path {home}/temp;
    fastcgi_temp_path {home}/temp;
    uwsgi_temp_path {home}/temp;
    scgi_temp_path {home}/temp;
    server {{
        listen 127.0.0.1:{port}{tls};
        root {tree};
        {locations}
    }}
}}
"""


JSON_LINE = """\
log_format line escape=json '{{"time":"$time_iso8601","request_id":"$request_id","client_ip":"$remote_addr",'
        '"method":"$request_method","target":"$request_uri","status_code":$status,"bytes_sent":$body_bytes_sent,'
        '"duration":$request_time}}';
    access_log {log} line buffer=64k flush=1s;"""
"""Much the same as modgate writes, as seldom."""
TLS = """\
 ssl;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate {chain};
        ssl_certificate_key {key}"""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What the nginxes do not have in common."""

    files: str
    locations: str = ""
    logs: bool = False


PLAIN = Tuning("sendfile on; tcp_nopush on;")
LOGGED = Tuning(PLAIN.files, logs=True)
TUNED = Tuning("sendfile off; open_file_cache max=10000;", "location ~ [.]zip$ { sendfile on; tcp_nopush on; }")


@dataclass(frozen=True, slots=True)
class Nginx:
    """nginx on a folder of files. `home` is a folder of its own."""

    name: str
    program: str
    home: Path
    tree: Path
    tuning: Tuning
    workers: int = 1
    certificate: Certificate | None = None

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS."""
        return self.certificate is not None

    @property
    def _log(self) -> Path:
        return self.home / "access.log"

    def command(self, port: int) -> list[str]:
        """Its configuration is written for this port. A service that the Debian package has started is left alone."""
        self.home.mkdir(parents=True, exist_ok=True)
        # The worker of a master that is root would not be let into the store.
        user = "user root;\n" if os.geteuid() == 0 else ""
        configuration = self.home / "nginx.conf"
        certificate = self.certificate
        configuration.write_text(
            CONFIGURATION.format(
                user=user,
                home=self.home,
                port=port,
                tree=self.tree,
                workers=self.workers,
                files=self.tuning.files,
                locations=self.tuning.locations,
                log=JSON_LINE.format(log=self._log) if self.tuning.logs else "access_log off;",
                tls=TLS.format(chain=certificate.chain, key=certificate.key) if certificate else "",
            )
        )
        return [self.program, "-e", f"{self.home}/error.log", "-p", str(self.home), "-c", str(configuration)]

    def environ(self) -> dict[str, str]:
        """As it is started by a service manager."""
        return {"PATH": os.environ.get("PATH", "")}

    def tidy(self) -> None:
        """Its access log is emptied."""
        empty(self._log)


def plant(tree: Path, store: Path, answers: Mapping[str, bytes]) -> None:
    """Link all files of a store's tree into `tree`, and write `answers` beside them, by their names below it."""
    for path in store.rglob("*"):
        link = tree / path.relative_to(store)
        if path.is_file():
            link.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, link)
    for name, body in answers.items():
        (tree / name).write_bytes(body)
