"""The board for Grafana, in the names that the code declares."""

from dataclasses import dataclass
from typing import Any

from connections.telemetry import declared as m

RATE = "$__rate_interval"
SOURCE = {"type": "prometheus", "uid": "${source}"}
WIDTH, HEIGHT, ACROSS = 8, 8, 24  # of a panel and of the board, in Grafana's units
QUANTILES = ("0.5", "0.95", "0.99")


@dataclass(frozen=True)
class Panel:
    """A diagram: its lines as (expression, what each is called). `unit`: as Grafana names it."""

    title: str
    lines: tuple[tuple[str, str], ...]
    unit: str = "short"


def _rate(metric: m.Metric, *by: str) -> str:
    return f"sum by ({', '.join(by)}) (rate({metric.name}[{RATE}]))"


def _quantiles(metric: m.Metric) -> tuple[tuple[str, str], ...]:
    inner = f"sum by (le) (rate({metric.name}_bucket[{RATE}]))"
    return tuple((f"histogram_quantile({one}, {inner})", f"p{float(one):.0%}") for one in QUANTILES)


def _per_instance(metric: m.Metric) -> str:
    return f"sum by (instance) ({metric.name})"


def _shared(metric: m.Metric, *by: str) -> str:
    return f"max by ({', '.join(by)}) ({metric.name})" if by else f"max({metric.name})"


FAILED = f'{m.ATTEMPTS.name}{{outcome="failed"}}'
NOT_OK = f'{m.REQUESTS.name}{{outcome!="ok"}}'
ROWS: dict[str, tuple[Panel, ...]] = {
    "Traffic": (
        Panel("Requests by profile", ((_rate(m.REQUESTS, "profile"), "{{profile}}"),), "reqps"),
        Panel("Requests that run", ((_per_instance(m.RUNNING), "{{instance}}"),)),
        Panel(
            "Pages and API",
            ((_rate(m.HTTP_REQUESTS, "status"), "{{status}}"),),
            "reqps",
        ),
    ),
    "Errors": (
        Panel(
            "Requests without an answer, by outcome",
            ((f"sum by (outcome) (rate({NOT_OK}[{RATE}]))", "{{outcome}}"),),
            "reqps",
        ),
        Panel(
            "Attempts that failed, by connection",
            ((f"sum by (connection, code) (rate({FAILED}[{RATE}]))", "{{connection}} {{code}}"),),
            "reqps",
        ),
        Panel("Responses by status", ((_rate(m.RESPONSES, "status"), "{{status}}"),), "reqps"),
    ),
    "Latency": (
        Panel("Whole answers", _quantiles(m.REQUEST_SECONDS), "s"),
        Panel("First chunk of streams", _quantiles(m.FIRST_CHUNK_SECONDS), "s"),
        Panel("The services alone", _quantiles(m.ATTEMPT_SECONDS), "s"),
        Panel("Pages and API", _quantiles(m.HTTP_SECONDS), "s"),
    ),
    "Tokens and cost": (
        Panel("Tokens by kind", ((_rate(m.TOKENS, "kind"), "{{kind}}"),)),
        Panel(
            "Dollars of a day by model",
            ((f"sum by (model) (increase({m.COST.name}[1d]))", "{{model}}"),),
            "currencyUSD",
        ),
        Panel("Tokens by model", ((_rate(m.MODEL_TOKENS, "model"), "{{model}}"),)),
        Panel("Tokens of one request", _quantiles(m.REQUEST_TOKENS)),
        Panel(
            "Tokens of a day by profile",
            ((f"sum by (profile) (increase({m.TOKENS.name}[1d]))", "{{profile}}"),),
        ),
    ),
    "Health": (
        Panel("Connections by state", ((_shared(m.CONNECTIONS, "state"), "{{state}}"),)),
        Panel("Connections that fail", ((_shared(m.FAILING, "connection"), "{{connection}}"),)),
        Panel("Faults", ((_shared(m.FAULTS, "kind", "severity"), "{{kind}} {{severity}}"),)),
        Panel("Cool-downs", ((_shared(m.COOLDOWNS, "connection"), "{{connection}}"),)),
        Panel(
            "Cool-downs that began",
            ((_rate(m.COOLDOWNS_BEGUN, "connection", "code"), "{{connection}} {{code}}"),),
        ),
        Panel(
            "Seconds to the next end",
            ((f"{_shared(m.NEXT_END, 'kind')} - time()", "{{kind}}"),),
            "s",
        ),
    ),
    "Limits": (
        Panel(
            "The limit with least left",
            ((_shared(m.LIMIT_USED, "of", "limit"), "{{limit}} of a {{of}}"),),
            "percentunit",
        ),
        Panel(
            "Limits by how far they are used",
            ((_shared(m.LIMITED, "of", "limit", "state"), "{{limit}} of {{of}}s: {{state}}"),),
        ),
    ),
    "Sources": (
        Panel(
            "Secret stores that answer", ((f"min by (source) ({m.SOURCE_UP.name})", "{{source}}"),)
        ),
        Panel("Age of their oldest value", ((_shared(m.SOURCE_AGE, "source"), "{{source}}"),), "s"),
    ),
    "What runs by itself": (
        Panel("Since it ran last", ((f"time() - {_shared(m.SCHEDULE_SEEN)}", "seconds"),), "s"),
        Panel(
            "Jobs and checks",
            (
                (_shared(m.JOB_DUE), "jobs overdue"),
                (_shared(m.JOB_FAILED), "jobs failed"),
                (_shared(m.CHECKS_OVERDUE), "checks overdue"),
            ),
        ),
        Panel(
            "On their way",
            (
                (_shared(m.NOTICES_WAITING), "notices"),
                (_shared(m.STREAM_FAILING), "targets of AUDIT_STREAM that fail"),
            ),
        ),
    ),
    "Recorder, database and cache": (
        Panel(
            "Usage records",
            (
                (f"sum(rate({m.RECORDS_WRITTEN.name}[{RATE}]))", "written"),
                (f"sum(rate({m.RECORDS_LOST.name}[{RATE}]))", "lost"),
            ),
        ),
        Panel("Records that wait", ((_per_instance(m.RECORDS_WAITING), "{{instance}}"),)),
        Panel(
            "Database connections",
            (
                (_per_instance(m.POOL_USED), "in use, {{instance}}"),
                (_per_instance(m.POOL_MOST), "at most, {{instance}}"),
                (_per_instance(m.POOL_WAITING), "requests waiting, {{instance}}"),
            ),
        ),
        Panel(
            "Up",
            (
                (m.DATABASE_UP.name, "database, {{instance}}"),
                (m.CACHE_UP.name, "Redis, {{instance}}"),
            ),
        ),
    ),
    "Workers": (
        Panel(
            "Workers",
            ((m.WORKERS.name, "{{instance}}"), (m.WORKERS_WANTED.name, "wanted, {{instance}}")),
        ),
        Panel(
            "Started and ended",
            (
                (f"increase({m.WORKER_STARTS.name}[{RATE}])", "started, {{instance}}"),
                (f"increase({m.WORKER_ENDS.name}[{RATE}])", "ended, {{instance}}"),
            ),
        ),
        Panel("Processors", ((f"sum by (instance) (rate({m.CPU.name}[{RATE}]))", "{{instance}}"),)),
        Panel("Memory", ((m.MEMORY.name, "{{instance}} {{worker}}"),), "bytes"),
        Panel("How late timers are", _quantiles(m.LOOP_LAG), "s"),
        Panel("Sockets", ((_per_instance(m.SOCKETS), "{{instance}}"),)),
        Panel("Sockets closed by a bound", ((_rate(m.SOCKETS_CLOSED, "reason"), "{{reason}}"),)),
        Panel("Descriptors", ((m.DESCRIPTORS.name, "{{instance}} {{worker}}"),)),
        Panel("Pages that run", ((_per_instance(m.HTTP_RUNNING), "{{instance}}"),)),
        Panel("Time of a scrape", ((m.SCRAPE.name, "{{instance}}"),), "s"),
        Panel("Version", ((f"sum by (version) ({m.BUILD.name})", "{{version}}"),)),
        Panel("Uptime", ((f"time() - {m.STARTED.name}", "{{instance}}"),), "s"),
    ),
}


def board() -> dict[str, Any]:
    """The board, as Grafana imports it: https://grafana.com/docs, dashboard JSON model."""
    panels: list[dict[str, Any]] = []
    top = 0
    for title, row in ROWS.items():
        place = {"x": 0, "y": top, "w": ACROSS, "h": 1}
        panels.append({"type": "row", "title": title, "collapsed": False, "gridPos": place})
        top += 1
        for number, panel in enumerate(row):
            left, down = number % (ACROSS // WIDTH) * WIDTH, number // (ACROSS // WIDTH) * HEIGHT
            place = {"x": left, "y": top + down, "w": WIDTH, "h": HEIGHT}
            panels.append(_panel(panel, place))
        top += -(-len(row) * WIDTH // ACROSS) * HEIGHT
    for number, one in enumerate(panels, 1):
        one["id"] = number
    choice = {"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    return {
        "uid": "switchboard",
        "title": "Switchboard",
        "tags": ["switchboard"],
        "schemaVersion": 38,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [choice]},
        "panels": panels,
    }


def _panel(panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + number), "expr": expression, "legendFormat": legend}
        for number, (expression, legend) in enumerate(panel.lines)
    ]
    return {
        "type": "timeseries",
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": targets,
    }
