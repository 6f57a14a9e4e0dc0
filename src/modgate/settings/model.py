"""Every setting of modgate: a field, its unit, default and bounds, and under it what it means.

The docstrings are the reference: docs/reference/settings.md is generated from them. Fields are values as components
take them (seconds as float, bytes as int); how people may write them is in values.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from modgate.settings.values import DAY, GIB, HOUR, KIB, MIB, Count, Size, Span

Age = Annotated[float, Span(0.0, 400 * DAY)]
"""How old an answer may get. 0 is allowed: ask every time. The upper bound only catches a slip of the unit."""

Deadline = Annotated[float, Span(1.0, HOUR)]
"""How long somebody is waited for. Below a second a busy machine looks like a dead one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """How long answers of one route are remembered: fresh <= stale <= keep."""

    fresh: Age = 60.0
    """Lists, @latest and branch queries younger than this are answered from the cache."""
    stale: Age = 3 * HOUR
    """Up to this age they are answered at once, and refreshed in the background."""
    keep: Age = 30 * DAY
    """Up to this age they are the answer when the upstream fails; older ones are not answered any more."""
    absent_version: Age = 10.0
    """How long "this version does not exist" is remembered. Short: the version is often tagged a moment later."""
    absent_path: Age = 600.0
    """How long "this path is no module" is remembered. Go asks for every prefix of an import path: most asks end so."""
    absent_latest: Age = 10.0
    """How long "there is no latest version" is remembered. Only modules without tags are asked for it."""


PUBLIC = Ages()
PRIVATE = Ages(fresh=0.0, stale=0.0, keep=30 * DAY, absent_version=0.0, absent_path=0.0, absent_latest=0.0)
"""A new private tag is visible at once, and an outage of the git host still does not stop a build."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """Ages by route."""

    public: Ages = PUBLIC
    """Modules that match no pattern of `private`."""
    private: Ages = PRIVATE
    """Modules that match a pattern of `private`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of anything."""

    zip: Annotated[int, Size(MIB, 4 * GIB)] = 500 * MIB
    """Largest module zip taken from an upstream. The go command itself takes none above 500 MiB."""
    mod: Annotated[int, Size(64 * KIB, 256 * MIB)] = 16 * MIB
    """Largest go.mod file. Go's zip rules allow no larger one."""
    info: Annotated[int, Size(4 * KIB, 64 * MIB)] = MIB
    """Largest .info or @latest answer. Real ones have a few hundred bytes."""
    list: Annotated[int, Size(64 * KIB, 256 * MIB)] = 32 * MIB
    """Largest version list. The longest real ones stay below 1 MiB."""
    database: Annotated[int, Size(64 * KIB, 64 * MIB)] = MIB
    """Largest answer of a checksum database. A full tile has 8 KiB, a lookup about 1 KiB."""
    url: Annotated[int, Size(KIB, 64 * KIB)] = 8 * KIB
    """Longest request target of a client; longer ones are answered 414."""
    headers: Annotated[int, Size(4 * KIB, MIB)] = 32 * KIB
    """Request line and headers of a client together; more is answered 431."""
    upstream_requests_per_host: Annotated[int, Count(1, 4096)] = 64
    """Requests in flight to one upstream host; others wait. One go command has about ten in flight, so this is room for
    six cold builds at once without looking like an attack to the upstream."""
    downloads: Annotated[int, Count(1, 4096)] = 48
    """Zips being downloaded at once; others wait their turn. Fewer than one host is asked for at once, so that zips
    that stall leave room for small files."""
    spool: Annotated[int, Size(64 * MIB, 1024 * GIB)] = 10 * GIB
    """Disk space for downloads that are not complete yet: room for twenty of the largest zips."""
    memory_cache: Annotated[int, Size(MIB, 64 * GIB)] = 64 * MIB
    """Ready answers kept in memory. An entry has about 2 KiB: the metadata of some hundred projects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long anybody is waited for. Those of upstreams count for each upstream anew."""

    connect: Deadline = 5.0
    """TCP and TLS handshake with an upstream: two lost packets and their repetition fit in."""
    first_byte: Deadline = 15.0
    """From a request to the upstream's status line. A mirror may have to fetch from its own origin first."""
    hedge: Annotated[float, Span(0.0, HOUR)] = 1.0
    """An upstream in front of `|` that has given nothing for so long is not waited for alone: the next one is asked
    too, the first good answer counts, and the other request is called off. 0 waits for `first_byte`."""
    idle: Deadline = 30.0
    """Between two pieces of an upstream's body. A stalled transfer is resumed or given up after it."""
    small_total: Deadline = 60.0
    """A whole exchange about a list, .info, .mod, @latest or checksum record."""
    total: Annotated[float, Span(1.0, DAY)] = 600.0
    """A whole zip: 500 MiB at 1 MB/s."""
    request: Deadline = 120.0
    """From a client's request to the first byte of its answer: three upstreams that hang, each tried twice, fit in.
    The go command itself would wait for ever; it is answered 504."""
    request_header: Deadline = 10.0
    """From a connection, or a request's first byte, to the end of its headers; then the connection is closed."""
    keep_alive: Deadline = 75.0
    """How long an idle client connection stays open. Longer than the 60 s of common load balancers, so that they close
    first and never send a request into a closing connection."""
    write_stall: Deadline = 60.0
    """A client that takes no byte of its answer for so long is cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """When an upstream that keeps failing is left alone, and how its return is seen."""

    failures: Annotated[int, Count(1, 1000)] = 3
    """Failures in a row after which it is not asked any more. Three forgives a lost packet and a restart."""
    probe_every: Annotated[float, Span(0.1, HOUR)] = 0.5
    """Between two probes of an upstream that is not asked: its return is seen within a second."""
    probe_timeout: Annotated[float, Span(0.1, HOUR)] = 5.0
    """How long one probe waits for any answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """A page that every upstream is asked for again and again. One whose check fails is not asked for modules, as if
    its breaker was open. Without it, trouble is found by what clients ask for."""

    path: str = ""
    """The page, as a link from the upstream's URL: `/healthz` begins at its host, `./` is the URL itself; empty for no
    check."""
    every: Annotated[float, Span(0.1, HOUR)] = 5.0
    """Between two checks of one upstream; each worker checks by itself."""
    timeout: Annotated[float, Span(0.1, HOUR)] = 2.0
    """How long one check waits for the head of the answer."""
    rise: Annotated[int, Count(1, 1000)] = 2
    """Good answers in a row after which it is asked for modules again."""
    fall: Annotated[int, Count(1, 1000)] = 3
    """Bad answers in a row after which it is not asked any more."""
    status: Annotated[int, Count(100, 599)] = 200
    """The status that a good answer has."""
    header: str = ""
    """A header that a good answer has, such as `X-Mirror-Status: ok`, in any case of letters; empty for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnDatabase:
    """Our own checksum database: a signed log of the hashes of every module that this gateway hands out, private and
    public. In a TOML file the table may also be called `[checksum_database]`."""

    name: str = ""
    """Its name, `host[/path]`, as it stands in its keys and below `/sumdb/`; empty for none. It never changes: clients
    remember the log by it. `modgate checksum init` makes its keys."""
    key: str = ""
    """Where its private keys are, one a line, all of which sign: the name of a file that only its owner and group may
    read, or `env:NAME` for an environment variable. Default: `checksum.key` in the directory of `data`."""
    listen: str = "off"
    """HOST:PORT of a port of its own, where it is served at the root, or `off`. Below `/sumdb/` of the data port it is
    served anyway."""
    witness: str = ""
    """A file on other storage than `data`, or the URL of a store that takes GET and PUT, which keeps the highest head
    that was published. With it a start refuses a log that was restored from an older day, and nothing new is published
    while it cannot be reached. The file's directory has to be there; a URL is https, or http on this machine, and may
    hold credentials. Empty for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """How `direct` reads modules from the hosts where they are kept."""

    vcs: str = "*:git"
    """Which version control may be used for which module paths, in the syntax of GOVCS. Only git can be read."""
    private_hosts: tuple[str, ...] = ()
    """Hosts (`git.corp.example`, `*.corp.example`) or networks (`10.1.0.0/16`) that may be reached although their
    addresses are not public. Without this, a module path could make the gateway ask its own machine or network. A host
    that a private route with `direct` in its chain names in full need not be named again."""
    insecure: str = ""
    """Module path patterns in the syntax of GOINSECURE that may be asked for without encryption."""
    mirrors: Annotated[int, Size(64 * MIB, 64 * 1024 * GIB)] = 20 * GIB
    """Disk space for the mirrors of repositories; those used least recently go first."""
    refs_age: Annotated[float, Span(0.0, HOUR)] = 1.0
    """For how long branches and tags are taken as they were told last: a go command that looks for every prefix of a
    path costs one look."""


@dataclass(frozen=True, slots=True)
class Some:
    """Marks a table that holds some settings of a group, and leaves all others as they are elsewhere."""

    of: type
    only: tuple[str, ...] = ()
    """Which ones it may hold; empty for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where the modules of some paths come from, and what holds for them. Of all routes the first one that matches a
    path counts, in the order of the file; what none matches comes from `upstream`."""

    match: tuple[str, ...]
    """Module paths. `github.com/corp/*` is a glob as in GOPRIVATE, which also matches whatever lies below; `**` stands
    for any number of elements (`github.com/**` is all of that host); `re:` begins a regular expression for the whole
    path, in Python's syntax."""
    exclude: tuple[str, ...] = ()
    """Paths that this route leaves to the next ones, in the same syntax."""
    upstream: str = field(default="", repr=False)
    """Where its modules come from, in the syntax of GOPROXY; empty for the chain of the top level. `off` serves what is
    stored, and nothing else."""
    private: bool = False
    """Whether its modules are ours alone: they have a namespace, ages of their own, are not looked up in any public
    checksum database, and their names never leave the building. What a pattern of the top level's `private` names is
    private on every route."""
    namespace: str = ""
    """The name under which its modules are stored, for private ones; default `private`, in the view NAME
    `NAME-private`. Routes with one name share what is stored. A path that comes to another name starts empty there."""
    checksum: bool = True
    """Whether its public modules are verified with the checksum database; private ones never are."""
    forward_token: str = ""
    """The name of a header of clients, such as `X-Proxy-Token`, whose value is sent to the upstreams as
    `Authorization: Bearer`. What comes so is for that client only: it is neither stored nor shared. Needs
    `private`."""
    freshness: Annotated[Mapping[str, float], Some(Ages)] = field(default_factory=dict)
    """Ages that differ from those of `freshness.public`, or of `freshness.private` if it is private."""
    deadlines: Annotated[
        Mapping[str, float], Some(Deadlines, ("connect", "first_byte", "idle", "small_total", "total"))
    ] = field(default_factory=dict)
    """Deadlines of its upstreams that differ from `deadlines`."""
    limits: Annotated[Mapping[str, int], Some(Limits, ("zip", "mod", "info", "list"))] = field(default_factory=dict)
    """Limits of its answers that differ from `limits`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GithubApp:
    """A GitHub App whose installation tokens let us in. They are asked for and renewed before they end."""

    id: Annotated[int, Count(1, 2**53)]
    """The app's ID."""
    installation: Annotated[int, Count(1, 2**53)]
    """The ID of its installation: the last number in the URL of the installation's page."""
    key: str = field(repr=False)
    """The app's private key in PEM, as a secret: `file:PATH`, `env:NAME`, `command:PROGRAM ARGUMENTS`, or the text."""
    api: str = "https://api.github.com"
    """Base URL of the API; of GitHub Enterprise Server it is `https://HOST/api/v3`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What lets us in at a host, and the way to it: for upstreams, checksum databases and git hosts alike. Of several
    that match a URL the more specific one counts, and what it does not say, the next one may. Secrets are
    `env:NAME`, `file:PATH` (read each time), `command:PROGRAM ARGUMENTS` (its output is taken for five minutes), or
    the text itself."""

    match: str
    """`host[:port][/path prefix]`, such as `git.corp.example/team`; `*.corp.example` is every name below it.
    Credentials go unencrypted only where it begins with `http://`."""
    username: str = ""
    """Of `password`; beside `token` the name that a git host wants instead of `x-access-token`."""
    password: str = field(default="", repr=False)
    """A secret. It goes as Basic authorization."""
    token: str = field(default="", repr=False)
    """A secret. It goes as Bearer authorization; to git hosts as the password of a user, which all forges take."""
    github_app: GithubApp | None = None
    """Installation tokens of a GitHub App instead: `github_app = { id = 1, installation = 2, key = "file:…" }`."""
    ssh_key: Path | None = None
    """The private key for git by ssh, without a passphrase; then no other key and no settings of ssh are used."""
    known_hosts: Path | None = None
    """File of the host's own ssh keys. Default: that of the user who runs modgate. An unknown key is refused."""
    proxy: tuple[str, ...] = field(default=(), repr=False)
    """The way out for http and https: `http://[user:password@]host:port`, `socks5://…` or `direct`. Of several, the
    first that can be reached. Default: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, as the go command reads them."""
    ca: Path | None = None
    """PEM file of the authorities that are trusted there, in place of those of this machine. Read again when it
    changes, as are the next two."""
    client_cert: Path | None = None
    """PEM file of our certificate with its chain, where the host wants one."""
    client_key: Path | None = None
    """PEM file of its private key, without a passphrase. Default: it is in `client_cert`."""
    health_check: Annotated[Mapping[str, Any], Some(HealthCheck)] = field(default_factory=dict)
    """What is different for this upstream from `[health_check]`: `health_check = { path = "/healthz" }`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A GOPROXY base of its own, `http://gateway/NAME`, with its own routes (`[[view.NAME.route]]`, with the same
    settings as `[[route]]`; those of the top level do not hold there). What none of them matches comes from the top
    level's `upstream`."""

    route: tuple[Route, ...] = ()
    """Its routes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of modgate's settings. `upstream` and `data` have no default here: load.py asks this machine for them."""

    listen: str = "127.0.0.1:8080"
    """HOST:PORT of the data port, where go commands ask. Port 0 takes any free one; an empty host is every address."""
    admin: str = "127.0.0.1:8081"
    """HOST:PORT of the admin port (health, metrics), or `off`."""
    data: Path
    """Directory of everything that is kept, on a local disk. Default: `modgate` in the XDG data directory
    (`$XDG_DATA_HOME`, else `~/.local/share`)."""
    upstream: str = field(repr=False)
    """Where modules come from, in the syntax of GOPROXY: `https://a.example,https://b.example|file:///srv/modules`.
    Default: what this machine's Go uses (GOPROXY). Credentials in it are used and never shown."""
    checksum: str = field(default="sum.golang.org", repr=False)
    """The checksum database that every public go.mod file and zip is verified with before it is kept, in the syntax of
    GOSUMDB (`name+key url`), or `off`.
    Default: what this machine's Go uses (GOSUMDB), else `sum.golang.org`."""
    checksum_database: tuple[str, ...] = field(default=("sum.golang.org",), repr=False)
    """Checksum databases that are passed through besides that of `checksum`, each `name[+key] [url]`. Any other name is
    answered 404 without asking anybody. As a table in a TOML file it is `own_database`."""
    private: str = ""
    """Module path patterns in the syntax of GOPRIVATE. Checksum lookups of these paths never leave the building.
    Default: GOPRIVATE and GONOPROXY of this machine's Go, else none. Where the chain too is that of this machine's Go
    and names `direct`, these paths are read directly, as the go command would read them."""
    no_checksum: str = ""
    """Module path patterns in the syntax of GOPRIVATE: modules that the checksum database does not know, and that are
    not verified with it. Those of `private` never are, golang.org/toolchain always is."""
    on_checksum_unavailable: Literal["refuse", "serve-unverified"] = "refuse"
    """What happens to a module that cannot be verified because the checksum database is down: it is refused until the
    database is back, or served and verified later. What was verified before is served in any case."""
    base_path: str = ""
    """Path below which everything is served, such as `/go`; empty for the root."""
    tls_cert: Path | None = None
    """PEM file of the certificate chain; with `tls_key` the data port speaks HTTPS. Read again on SIGHUP."""
    tls_key: Path | None = None
    """PEM file of the certificate's private key."""
    netrc: Path | None = None
    """A netrc file with credentials for hosts that no `[[host]]` has any for; they go by https only, as with the go
    command. Read again when it changes. Its `default` is not used: module paths of strangers name hosts."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks (CIDR) of load balancers in front. Only from these are X-Forwarded-For, X-Real-IP and
    X-Request-Id believed."""
    workers: Annotated[int | Literal["auto"], Count(1, 64)] = 1
    """Serving processes, or `auto`: one for each core, at most 8. With more than one, a parent starts them, replaces
    those that die and has the admin port. Each takes its share of the limits."""
    fetch_ahead: Literal["public", "all", "off"] = "public"
    """Which modules' small files are fetched before a client asks for them, as the go command is about to: after a
    cold .info its .mod, and the .info of whatever else has just been asked for its .mod; after a cold .mod of a module
    before Go 1.17 those of its requirements. `all` includes private ones."""
    drain_time: Annotated[float, Span(0.0, HOUR)] = 30.0
    """On SIGTERM, how long accepted requests may take to end before they are cut off."""
    access_log: str = "-"
    """One JSON line per request: `-` is the standard output, `off` is none, else a file, reopened on SIGHUP."""
    log_format: Literal["auto", "console", "json"] = "auto"
    """How the application log is written to the standard error; `auto`: `console` on a terminal, `json` elsewhere."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important message that is written to the application log."""
    freshness: Freshness = Freshness()
    limits: Limits = Limits()
    deadlines: Deadlines = Deadlines()
    breaker: Breaker = Breaker()
    health_check: HealthCheck = HealthCheck()
    git: Git = Git()
    own_database: OwnDatabase = OwnDatabase()
    host: tuple[Host, ...] = ()
    route: tuple[Route, ...] = ()
    view: Mapping[str, View] = field(default_factory=dict)
