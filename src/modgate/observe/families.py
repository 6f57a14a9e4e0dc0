"""Every metric of modgate. docs/reference/metrics.md lists the same; a test compares the two."""

from __future__ import annotations

from modgate.observe.metrics import Family

REQUESTS = Family(
    "modgate_requests_total",
    "Requests answered on the data port, by kind (list, latest, info, mod, zip, sumdb, health, other), status "
    "and where the answer came from (hit, miss, stale, coalesced, refreshed, none).",
    "counter",
    ("kind", "status", "cache"),
)
REQUEST_SECONDS = Family(
    "modgate_request_seconds",
    "Time from a request's first byte to its last byte handed to the kernel.",
    "histogram",
    ("kind",),
)
SENT_BYTES = Family("modgate_sent_bytes_total", "Body bytes sent to clients.", "counter", ("kind",))
IN_FLIGHT = Family("modgate_in_flight_requests", "Requests being answered outside the fast path.", "gauge")
CONNECTIONS = Family("modgate_connections", "Open client connections.", "gauge")
SHED = Family(
    "modgate_connections_shed_total",
    "Client connections that were ended, silent for longest, or answered 503 at once, because there were as many as "
    "the process has descriptors for.",
    "counter",
)
MALFORMED = Family("modgate_malformed_requests_total", "Connections cut or answered 4xx by the HTTP parser.", "counter")

UPSTREAM_REQUESTS = Family(
    "modgate_upstream_requests_total",
    "Requests sent to an upstream, by its name and what came back (a status code, or timeout, connection).",
    "counter",
    ("upstream", "outcome"),
)
UPSTREAM_SECONDS = Family(
    "modgate_upstream_first_byte_seconds",
    "Time from a request to the upstream's status line.",
    "histogram",
    ("upstream",),
)
FETCHED_BYTES = Family("modgate_fetched_bytes_total", "Body bytes read from an upstream.", "counter", ("upstream",))
UPSTREAM_UP = Family(
    "modgate_upstream_up",
    "1 while the upstream is asked for modules, 0 while its breaker is open or its health check fails.",
    "gauge",
    ("upstream",),
    joined="least",
)
CHECKSUMS_UP = Family(
    "modgate_upstream_checksums_up",
    "1 while the upstream is asked for checksums, 0 while that breaker is open or its health check fails.",
    "gauge",
    ("upstream",),
    joined="least",
)
HEALTHY = Family(
    "modgate_upstream_healthy",
    "1 while the upstream passes its health check, 0 while it does not.",
    "gauge",
    ("upstream",),
    joined="least",
)
FALLBACK_ANSWERS = Family(
    "modgate_fallback_answers_total", "Asks answered from the directory of GOMODCACHE_FALLBACK.", "counter"
)
FALLBACK_AGE = Family(
    "modgate_fallback_age_seconds",
    "Time since something was last written into the directory of GOMODCACHE_FALLBACK; 0 while that is not known.",
    "gauge",
    joined="most",
)
RETRIES = Family("modgate_upstream_retries_total", "Requests repeated after a failure.", "counter", ("upstream",))
RESUMES = Family("modgate_download_resumes_total", "Downloads that went on after their transfer broke.", "counter")

COALESCED = Family("modgate_coalesced_total", "Asks that waited for a fetch that another one had begun.", "counter")
AHEAD = Family(
    "modgate_ahead_total",
    "Files fetched before anybody asked for them: made, and of these right (asked for later) or wrong (not in time).",
    "counter",
    ("guess",),
)
DOWNLOADS = Family("modgate_downloads_in_flight", "Zips being downloaded.", "gauge")
SPOOL_BYTES = Family("modgate_spool_bytes", "Bytes reserved in the spool by downloads in flight.", "gauge")
CHECKS = Family(
    "modgate_checks_total", "Zips that were checked, by verdict (good, bad, failed).", "counter", ("verdict",)
)
CHECK_SECONDS = Family("modgate_check_seconds", "Time from a zip's last byte to its verdict.", "histogram", ())
VERIFICATIONS = Family(
    "modgate_verifications_total",
    "Artifacts compared with the checksum database, by verdict (verified, mismatch, unverified).",
    "counter",
    ("verdict",),
)
DATABASE_UP = Family(
    "modgate_checksum_up",
    "1 while the checksum database's last look-up was answered, 0 after one that failed.",
    "gauge",
    ("database",),
    joined="least",
)
DATABASE_FORKED = Family(
    "modgate_checksum_forked",
    "1 while a fork of the checksum database waits for an operator's decision.",
    "gauge",
    ("database",),
    joined="most",
)
CHECKSUM_SKIPPED = Family(
    "modgate_checksum_skipped",
    "1 while PROXY_SKIP_CHECKSUM lets modules through without verification.",
    "gauge",
    joined="most",
)
COMMITS = Family("modgate_commits_total", "Artifacts committed to the store.", "counter", ("kind",))
COMMITS_WAITING = Family("modgate_commits_waiting", "Files and answers that are not durable yet.", "gauge")
MEMORY_BYTES = Family("modgate_memory_cache_bytes", "Bytes of ready responses in memory.", "gauge")
MEMORY_ENTRIES = Family("modgate_memory_cache_entries", "Ready responses in memory.", "gauge")
EVENTS = Family(
    "modgate_events_total",
    "Things that an operator should know of, by name (docs/reference/events.md).",
    "counter",
    ("event",),
)

LOST_LINES = Family("modgate_access_log_lost_lines_total", "Lines that the access log could not take.", "counter")

WORKERS = Family("modgate_workers", "Serving processes that run.", "gauge")
WORKER_RESTARTS = Family("modgate_worker_restarts_total", "Serving processes that died and were replaced.", "counter")
RESIDENT_BYTES = Family(
    "modgate_process_resident_bytes", "Resident memory of all processes but the checking ones.", "gauge"
)
CPU_SECONDS = Family("modgate_process_cpu_seconds_total", "User and system time of these processes.", "counter")
OPEN_FILES = Family("modgate_process_open_files", "Open file descriptors of these processes.", "gauge")
START_TIME = Family(
    "modgate_process_start_time_seconds",
    "When the oldest process started, in seconds since the epoch.",
    "gauge",
    joined="least",
)
BUILD = Family("modgate_build_info", "Always 1; the label tells the version.", "gauge", ("version",), joined="most")

ALL: tuple[Family, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Family))
