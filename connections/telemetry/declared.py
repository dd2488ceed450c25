"""Every metric by its name. The exposition, the documentation, the board and the alert rules are
made from this list.
"""

from dataclasses import dataclass
from enum import Enum

PREFIX = "switchboard_"
OTHER = "other"  # in place of a label value that is one too many
ALIASES = frozenset({"profile", "connection", "model"})  # of which there may be thousands
COUNTS = tuple(4.0**power for power in range(14))  # as the conventions for generative AI advise
LONG = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
SHORT = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LAG = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Kind(Enum):
    """Prometheus' own types."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Scope(Enum):
    """Whose figure it is. The value says how the figures of many instances go together.

    COUNTED: summed over the workers of an instance. WORKER: a worker's, by the label `worker`.
    INSTANCE: of the instance that is asked. SHARED: of the database, the same on each instance.
    """

    COUNTED = "sum"
    WORKER = "sum of workers"
    INSTANCE = "each for itself"
    SHARED = "max"


@dataclass(frozen=True)
class Metric:
    """One metric. `labels`: their names; `buckets`: the upper bounds of a histogram, in seconds
    where its name says so.

    `width`: how many numbers a series of it has.
    """

    name: str
    kind: Kind
    scope: Scope
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """One; of a histogram each bucket, the one above the last bound, and the sum."""
        return len(self.buckets) + 2 if self.buckets else 1


METRICS: dict[str, Metric] = {}  # by name, in the order of the documentation


def _add(metric: Metric) -> Metric:
    METRICS[metric.name] = metric
    return metric


def _counter(name: str, text: str, *labels: str) -> Metric:
    return _add(Metric(f"{PREFIX}{name}_total", Kind.COUNTER, Scope.COUNTED, text, labels))


def _histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Metric:
    name = f"{PREFIX}{name}" if buckets is COUNTS else f"{PREFIX}{name}_seconds"
    return _add(Metric(name, Kind.HISTOGRAM, Scope.COUNTED, text, labels, buckets))


def _gauge(scope: Scope, name: str, text: str, *labels: str) -> Metric:
    labels = ("worker", *labels) if scope is Scope.WORKER else labels
    return _add(Metric(f"{PREFIX}{name}", Kind.GAUGE, scope, text, labels))


# The gateway

REQUESTS = _counter(
    "gateway_requests",
    "Requests of known callers that have ended, by the profile that was asked for. "
    "`outcome`: ok, client_closed, server_stopped, or the code of the error.",
    "profile",
    "capability",
    "outcome",
)
REQUEST_SECONDS = _histogram(
    "gateway_request",
    "From the request to the end of its answer, by the profile that was asked for.",
    LONG,
    "profile",
)
FIRST_CHUNK_SECONDS = _histogram(
    "gateway_first_chunk",
    "From the request to the first piece of a streamed answer.",
    LONG,
    "profile",
)
TOKENS = _counter(
    "gateway_tokens",
    "Tokens, by the profile that was asked for and the connection that was asked last. `kind`: "
    "input, output, and the parts of these that were cached, cache_write and reasoning.",
    "profile",
    "connection",
    "kind",
)
MODEL_TOKENS = _counter(
    "gateway_model_tokens",
    "The same tokens, by the provider and the model that were asked last.",
    "provider",
    "model",
    "kind",
)
REQUEST_TOKENS = _histogram(
    "gateway_request_tokens",
    "The tokens of each request whose service tells them, by the provider and the model that were "
    "asked last. `kind`: input or output.",
    COUNTS,
    *("capability", "provider", "model", "kind"),
)
COST = _counter(
    "gateway_cost_dollars",
    "The price of these tokens by the lists of genai-prices as they were when the server started. "
    "What has no known price is left out.",
    "provider",
    "model",
)
ATTEMPTS = _counter(
    "gateway_attempts",
    "Targets of requests that were asked, or passed over. `outcome`: ok, failed, passed_over, "
    "client_closed or server_stopped; `code`: of the error.",
    "connection",
    "provider",
    "outcome",
    "code",
)
ATTEMPT_SECONDS = _histogram(
    "gateway_attempt",
    "From asking a service to the end of its answer.",
    LONG,
    *("capability", "provider", "model"),
)
COOLDOWNS_BEGUN = _counter(
    "gateway_cooldowns_begun",
    "Cool-downs that failures began. `code`: of the failure.",
    "connection",
    "code",
)
RESPONSES = _counter(
    "gateway_responses",
    "Responses of the gateway's addresses, also to unknown callers. `status`: of HTTP.",
    "endpoint",
    "status",
)
RUNNING = _gauge(Scope.WORKER, "gateway_requests_running", "Requests that are being answered.")
COOLDOWNS = _gauge(
    Scope.SHARED, "gateway_cooldowns", "Cool-downs that have not ended.", "connection"
)

# Pages and API

HTTP_REQUESTS = _counter(
    "http_requests",
    "Requests of pages and the API. `route`: the name of the address; `status`: 2xx, 3xx, "
    "..., or 499 for whoever hung up before the end.",
    "method",
    "route",
    "status",
)
HTTP_SECONDS = _histogram(
    "http_request", "From the request of a page or of the API to its response.", SHORT, "route"
)
HTTP_RUNNING = _gauge(Scope.WORKER, "http_requests_running", "Requests that are being answered.")

# Connections

CONNECTIONS = _gauge(
    Scope.SHARED,
    "connections",
    "Connections by their health: failed, setup, resting, degraded, well, inactive.",
    "state",
)
FAILING = _gauge(
    Scope.SHARED,
    "connection_failing",
    "1 for each active connection that fails; `other`: how many more do.",
    "connection",
)
FAULTS = _gauge(
    Scope.SHARED,
    "faults",
    "Faults of the list, also snoozed ones. `severity`: critical, warning or info.",
    "kind",
    "severity",
)
NEXT_END = _gauge(
    Scope.SHARED,
    "next_end_timestamp_seconds",
    "The first end within CONNECTIONS_RADAR_DAYS, by what ends: key, certificate, access, model, "
    "token, source.",
    "kind",
)

# Limits

LIMITED = _gauge(
    Scope.SHARED,
    "limits",
    "Limits by how far they are used: below 80 % (ok), near, or used_up. `of`: token or team; "
    "`limit`: requests (of this minute) or tokens (of this day).",
    "of",
    "limit",
    "state",
)
LIMIT_USED = _gauge(
    *(Scope.SHARED, "limit_used_max_ratio", "The used part of the limit with least left."),
    *("of", "limit"),
)

# Sources of references

SOURCE_UP = _gauge(
    Scope.INSTANCE, "source_up", "1 if the secret store answers the worker that is asked.", "source"
)
SOURCE_AGE = _gauge(
    Scope.INSTANCE,
    "source_age_seconds",
    "The age of the oldest value that the worker that is asked has of a secret store.",
    "source",
)

# What runs by itself

SCHEDULE_SEEN = _gauge(
    Scope.SHARED, "schedule_seen_timestamp_seconds", "When anybody ran what is due."
)
JOB_DUE = _gauge(Scope.SHARED, "schedule_jobs_overdue", "Jobs that are overdue.")
JOB_FAILED = _gauge(Scope.SHARED, "schedule_jobs_failed", "Jobs whose last run failed.")
CHECKS_OVERDUE = _gauge(
    Scope.SHARED, "schedule_checks_overdue", "Checks of connections that are overdue."
)
STREAM_FAILING = _gauge(
    Scope.SHARED, "audit_streams_failing", "Targets of AUDIT_STREAM that do not take events."
)
NOTICES_WAITING = _gauge(Scope.SHARED, "notices_waiting", "Notices that are on their way.")

# The recorder of usage

RECORDS_WRITTEN = _counter("recorder_written_records", "Usage records that were written.")
RECORDS_LOST = _counter("recorder_lost_records", "Usage records that will never be written.")
RECORDS_WAITING = _gauge(
    Scope.WORKER, "recorder_waiting_records", "Usage records that wait for the database."
)

# Database and cache

DATABASE_UP = _gauge(
    Scope.INSTANCE,
    "database_up",
    "1 if the database answered this scrape in time. Else all that it knows is left out.",
)
CACHE_UP = _gauge(Scope.INSTANCE, "cache_up", "1 if Redis answers. Left out where there is none.")
POOL_MOST = _gauge(Scope.WORKER, "database_pool_max_connections", "DATABASE_POOL_SIZE.")
POOL_USED = _gauge(
    Scope.WORKER, "database_pool_used_connections", "Connections to PostgreSQL that are in use."
)
POOL_WAITING = _gauge(
    Scope.WORKER, "database_pool_waiting_requests", "Requests that wait for one of them."
)

# Workers

WORKERS = _gauge(Scope.INSTANCE, "workers", "Workers that are alive.")
WORKERS_WANTED = _gauge(Scope.INSTANCE, "workers_wanted", "WEB_CONCURRENCY.")
WORKER_STARTS = _counter("worker_starts", "Workers that were started.")
WORKER_ENDS = _counter("worker_ends", "Workers that ended, in whatever way.")
CPU = _counter("worker_cpu_seconds", "Seconds of a processor that the workers took.")
LOOP_LAG = _histogram(
    "worker_event_loop_lag", "By how much a worker's timers are late: twice a second.", LAG
)
MEMORY = _gauge(Scope.WORKER, "worker_resident_memory_bytes", "Memory in use.")
DESCRIPTORS = _gauge(Scope.WORKER, "worker_open_descriptors", "Files and sockets that are open.")
MOST_DESCRIPTORS = _gauge(Scope.WORKER, "worker_max_descriptors", "As many may be open.")
SOCKETS = _gauge(Scope.WORKER, "worker_sockets", "Sockets of clients.")
SOCKETS_CLOSED = _counter("worker_sockets_closed", "Sockets that were closed by a bound.", "reason")
BUILD = _gauge(Scope.INSTANCE, "build_info", "1, with the version.", "version", "python")
STARTED = _gauge(Scope.INSTANCE, "start_timestamp_seconds", "When the server was started.")
SCRAPE = _gauge(Scope.INSTANCE, "scrape_seconds", "The time that it took to gather all this.")

WORKER_GAUGES = tuple(one for one in METRICS.values() if one.scope is Scope.WORKER)
