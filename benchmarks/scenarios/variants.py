"""The same questions, asked in other ways: over TLS, with credentials, over a new connection each time, all mixed.

A company's gateway speaks HTTPS, and asks who is there. Clients behind some load balancers come with a new connection
for each request. And nobody's day is one question only: nine of ten requests are for metadata, and a few are for large
zips, behind which the small answers should not have to wait.
"""

from __future__ import annotations

from benchmarks.load.wrk import Mixed
from benchmarks.project import HOT, LARGE, PATH
from benchmarks.results import Results
from benchmarks.scenarios.hot import INFO_TARGET, LARGE_CLIENTS
from benchmarks.servers.nginx import LOGGED, PLAIN
from benchmarks.stage import LATEST, LISTED, STORED, Stage
from benchmarks.targets import ANONYMOUS, AUTHORISED, LARGE_ZIP, NGINX, NGINX_LOG, NGINX_TUNED, NO_LOG
from benchmarks.turns import Question, take_turns

LARGE_TARGET = f"/{PATH}/@v/{LARGE}.zip"
CREDENTIALS = "Authorization: Basic YnVpbGQ6c2VjcmV0"
METADATA = (INFO_TARGET, STORED, LISTED, LATEST)

PLAIN_QUESTIONS = (
    Question(ANONYMOUS, INFO_TARGET),  # once more, so that the next one has a neighbour in time
    Question(AUTHORISED, INFO_TARGET, headers=(CREDENTIALS,)),
    Question("hot .info, new connections", INFO_TARGET, headers=("Connection: close",)),
    Question(
        "mixed: metadata, 8 % small zips, 2 % large",
        INFO_TARGET,
        mixed=Mixed(((90, METADATA), (8, (f"/{PATH}/@v/{HOT}.zip",)), (2, (LARGE_TARGET,)))),
    ),
)
SECURE_QUESTIONS = (
    Question("hot .info, TLS", INFO_TARGET),
    Question(f"{LARGE_ZIP}, TLS", LARGE_TARGET, connections=LARGE_CLIENTS, large=True),
)


def run(stage: Stage, results: Results) -> None:
    """modgate beside nginx, with and without a log."""
    servers = [one for one in stage.servers if one.name not in {NO_LOG, NGINX_TUNED}]
    with stage.all_running(servers) as all_started:
        take_turns(stage, all_started, PLAIN_QUESTIONS, results)
    secure = [stage.nginx_as(name, tuning, secure=True) for name, tuning in ((NGINX, PLAIN), (NGINX_LOG, LOGGED))]
    with stage.all_running([*secure, stage.modgate(secure=True)]) as all_started:
        take_turns(stage, all_started, SECURE_QUESTIONS, results)
