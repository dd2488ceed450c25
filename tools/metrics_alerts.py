"""The alert rules for Prometheus, in the names that the code declares."""

from dataclasses import dataclass
from typing import Any

from connections.telemetry import declared as m


@dataclass(frozen=True)
class Alert:
    """A rule. `waits`: how long it is so before somebody is told. `text`: what to do about it."""

    name: str
    expression: str
    waits: str
    severity: str
    summary: str
    text: str


BAD_ATTEMPTS = f'{m.ATTEMPTS.name}{{outcome="failed"}}'
ALERTS = (
    Alert(
        "SwitchboardNotScraped",
        f"absent({m.BUILD.name})",
        "5m",
        "critical",
        "Prometheus has no figures of Switchboard",
        "Look whether it runs, and whether METRICS_TOKEN and METRICS_ALLOW let Prometheus in.",
    ),
    Alert(
        "SwitchboardInstanceNotScraped",
        'up{job="switchboard"} == 0',
        "5m",
        "warning",
        "{{ $labels.instance }} does not answer Prometheus",
        "Look whether it runs, and whether METRICS_TOKEN and METRICS_ALLOW let Prometheus in.",
    ),
    Alert(
        "SwitchboardGatewayErrors",
        f'sum(rate({m.RESPONSES.name}{{status=~"5.."}}[5m])) / '
        f"sum(rate({m.RESPONSES.name}[5m])) > 0.05",
        "5m",
        "critical",
        "{{ $value | humanizePercentage }} of the gateway's answers are 5xx",
        "The list of what is broken says which connections fail, and how to mend them.",
    ),
    Alert(
        "SwitchboardServiceFails",
        f"sum by (provider) (rate({BAD_ATTEMPTS}[10m])) / "
        f"sum by (provider) (rate({m.ATTEMPTS.name}[10m])) > 0.2",
        "10m",
        "warning",
        "{{ $value | humanizePercentage }} of the calls of {{ $labels.provider }} fail",
        "Look at the vendor's status page. Give profiles a fallback with another provider.",
    ),
    Alert(
        "SwitchboardFirstChunkSlow",
        "histogram_quantile(0.95, sum by (le) "
        f"(rate({m.FIRST_CHUNK_SECONDS.name}_bucket[10m]))) > 20",
        "15m",
        "warning",
        "One in twenty streams takes {{ $value | humanizeDuration }} to begin",
        "Compare with the time of the services on the board: they are slow, or Switchboard is.",
    ),
    Alert(
        "SwitchboardConnectionFailing",
        f"max by (connection) ({m.FAILING.name}) > 0",
        "5m",
        "warning",
        "The connection {{ $labels.connection }} fails",
        "Its page says why, and what to do.",
    ),
    Alert(
        "SwitchboardCannotUse",
        f'max by (kind) ({m.FAULTS.name}{{kind=~"encryption|provider|replacement"}}) > 0',
        "5m",
        "critical",
        "Connections cannot be used as they are: {{ $labels.kind }}",
        "The list of what is broken names them: a key of FERNET_KEYS is gone, a provider is not "
        "installed, or a replaced key was refused.",
    ),
    Alert(
        "SwitchboardSourceAway",
        f"min by (source) ({m.SOURCE_UP.name}) == 0",
        "5m",
        "critical",
        "The secret store {{ $labels.source }} does not answer",
        "Its last values are used for CONNECTIONS_STALE_MINUTES. Bring it back before that.",
    ),
    Alert(
        "SwitchboardRecorderLoses",
        f"sum(increase({m.RECORDS_LOST.name}[15m])) > 0",
        "0m",
        "critical",
        "{{ $value | humanize }} usage records were lost",
        "The log names the reason: the database is away for long, or refuses them.",
    ),
    Alert(
        "SwitchboardRecorderWaits",
        f"sum by (instance) ({m.RECORDS_WAITING.name}) > 10000",
        "5m",
        "warning",
        "{{ $value }} usage records wait for the database on {{ $labels.instance }}",
        "From 100,000 in a worker on they are lost. Look whether the database takes writes.",
    ),
    Alert(
        "SwitchboardScheduleQuiet",
        f"time() - max({m.SCHEDULE_SEEN.name}) > 300",
        "5m",
        "critical",
        "Nothing has run by itself for {{ $value | humanizeDuration }}",
        "Start a server with RUN_DUE, or have cron call .venv/bin/python manage.py run_due --once.",
    ),
    Alert(
        "SwitchboardJobsFail",
        f"max({m.JOB_FAILED.name}) > 0 or max({m.JOB_DUE.name}) > 0 or "
        f"max({m.CHECKS_OVERDUE.name}) > 0",
        "30m",
        "warning",
        "Jobs failed or are overdue",
        "The page What runs by itself says which, and why.",
    ),
    Alert(
        "SwitchboardLimitNearlyUsed",
        f'max by (of) ({m.LIMIT_USED.name}{{limit="tokens"}}) > 0.9',
        "0m",
        "info",
        "A {{ $labels.of }} has used {{ $value | humanizePercentage }} of its tokens of today",
        "Raise its limit, or let it wait until midnight (UTC).",
    ),
    Alert(
        "SwitchboardDatabaseAway",
        f"{m.DATABASE_UP.name} == 0",
        "1m",
        "critical",
        "The database does not answer {{ $labels.instance }}",
        "Requests are refused with 503. Look at the database and at DATABASE_URL.",
    ),
    Alert(
        "SwitchboardPoolUsedUp",
        f"sum by (instance) ({m.POOL_WAITING.name}) > 0",
        "2m",
        "warning",
        "Requests wait for a database connection on {{ $labels.instance }}",
        "Raise DATABASE_POOL_SIZE, as far as PostgreSQL's max_connections lets you.",
    ),
    Alert(
        "SwitchboardCacheAway",
        f"{m.CACHE_UP.name} == 0",
        "5m",
        "warning",
        "Redis does not answer {{ $labels.instance }}",
        "Each process counts for itself meanwhile.",
    ),
    Alert(
        "SwitchboardEndNear",
        f"min by (kind) ({m.NEXT_END.name}) - time() < 7 * 86400",
        "1h",
        "warning",
        "A {{ $labels.kind }} ends in {{ $value | humanizeDuration }}, or has ended",
        "The list of what is broken says which, and how to renew it.",
    ),
    Alert(
        "SwitchboardAuditStreamFails",
        f"max({m.STREAM_FAILING.name}) > 0",
        "10m",
        "warning",
        "A target of AUDIT_STREAM does not take events",
        "They are kept and sent later, in order. The list of what is broken has the reason.",
    ),
    Alert(
        "SwitchboardWorkersMissing",
        f"{m.WORKERS.name} < {m.WORKERS_WANTED.name}",
        "5m",
        "critical",
        "Only {{ $value }} workers run on {{ $labels.instance }}",
        "The server's log says why they end.",
    ),
    Alert(
        "SwitchboardWorkersRestart",
        f"increase({m.WORKER_ENDS.name}[30m]) > 3 * {m.WORKERS_WANTED.name}",
        "0m",
        "warning",
        "Workers of {{ $labels.instance }} ended {{ $value | humanize }} times in half an hour",
        "The server's log says why; the system's, whether it had no memory left.",
    ),
    Alert(
        "SwitchboardLoopLags",
        "histogram_quantile(0.99, sum by (le, instance) "
        f"(rate({m.LOOP_LAG.name}_bucket[5m]))) > 0.5",
        "10m",
        "warning",
        "Workers of {{ $labels.instance }} are late by {{ $value | humanizeDuration }}",
        "Give it more processors and raise WEB_CONCURRENCY, or add an instance.",
    ),
    Alert(
        "SwitchboardDescriptorsUsedUp",
        f"{m.DESCRIPTORS.name} / {m.MOST_DESCRIPTORS.name} > 0.8",
        "5m",
        "warning",
        "A worker of {{ $labels.instance }} has few descriptors left",
        "Raise its limit of open files (ulimit -n, LimitNOFILE).",
    ),
)


def rules() -> dict[str, Any]:
    """The document for Prometheus: https://prometheus.io/docs/prometheus/latest/configuration"""
    found = [
        {
            "alert": one.name,
            "expr": one.expression,
            "for": one.waits,
            "labels": {"severity": one.severity},
            "annotations": {"summary": one.summary, "description": one.text},
        }
        for one in ALERTS
    ]
    return {"groups": [{"name": "switchboard", "rules": found}]}
