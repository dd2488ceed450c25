"""The form of the log, and the collector of traces and metrics.

OpenTelemetry's SDK reads its own variables in each worker. Here they are judged at the start, and
listed with the other settings.
"""

import re
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from .addresses import MASK
from .environment import Environment

FORMATS = ("text", "json")
ENDPOINT, OWN = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_{}_ENDPOINT"
KINDS = ("TRACES", "METRICS")
EXPORTERS = ("otlp", "none")
SAMPLERS = (
    *("always_on", "always_off", "traceidratio"),
    *("parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"),
)
# What the SDK reads besides, and judges itself.
OTHERS = tuple(
    f"OTEL_{name}"
    for name in (
        *(f"BSP_{one}" for one in ("SCHEDULE_DELAY", "MAX_QUEUE_SIZE", "MAX_EXPORT_BATCH_SIZE")),
        *(
            f"EXPORTER_OTLP_{kind}{one}"
            for kind in ("", "TRACES_", "METRICS_")
            for one in (
                *("HEADERS", "TIMEOUT", "COMPRESSION", "PROTOCOL", "CERTIFICATE"),
                *("CLIENT_KEY", "CLIENT_CERTIFICATE"),
            )
        ),
        "METRIC_EXPORT_INTERVAL",
        "SPAN_ATTRIBUTE_COUNT_LIMIT",
    )
)


def read_form_of_log(env: Environment) -> tuple[str, bool]:
    """The form of log lines, text or json, and whether good calls of the gateway have one too.

    Raises ImproperlyConfigured.
    """
    found = env.text("LOG_FORMAT", "text").lower()
    if found not in FORMATS:
        raise ImproperlyConfigured("LOG_FORMAT is not a form of the log. Write text or json.")
    return found, env.boolean("GATEWAY_LOG_CALLS", False)


def read_collectors(env: Environment) -> tuple[str, str, bool]:
    """The addresses that traces and metrics go to, empty for what goes nowhere; and whether spans
    hold the texts of prompts and answers.

    Raises ImproperlyConfigured.
    """
    is_off = env.boolean("OTEL_SDK_DISABLED", False)
    base = _endpoint(env, ENDPOINT)
    _judge(env)
    found = []
    for kind in KINDS:
        own = _endpoint(env, OWN.format(kind))
        exporter = env.text(f"OTEL_{kind}_EXPORTER", "otlp").lower()
        if exporter not in EXPORTERS:
            raise ImproperlyConfigured(
                f"OTEL_{kind}_EXPORTER names an exporter that is not here. Write otlp or none."
            )
        address = own or (base and f"{base.removesuffix('/')}/v1/{kind.lower()}")
        found.append("" if is_off or exporter == "none" else address)
    return found[0], found[1], env.boolean("GATEWAY_TRACE_CONTENT", False)


def _endpoint(env: Environment, name: str) -> str:
    found = env.text(name)
    try:
        parts = urlsplit(found)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if found and (not is_one or parts.username is not None or parts.query):
        raise ImproperlyConfigured(
            f"{name} is not the address of a collector. Write one such as http://collector:4318, "
            "and what it wants to know of us into OTEL_EXPORTER_OTLP_HEADERS."
        )
    return found


def _judge(env: Environment) -> None:
    """Refuses what the SDK would pass over with a line in the log, or what is not here."""
    env.text("OTEL_SERVICE_NAME", "switchboard")
    env.text("OTEL_RESOURCE_ATTRIBUTES")
    for name in ("", "TRACES_", "METRICS_"):
        headers = f"OTEL_EXPORTER_OTLP_{name}HEADERS"
        if env.given(headers) or not name:
            env.note(headers, MASK if env.given(headers) else "")
        protocol = f"OTEL_EXPORTER_OTLP_{name}PROTOCOL"
        if env.given(protocol) not in ("", "http/protobuf"):
            raise ImproperlyConfigured(f"{protocol} is not spoken here. Write http/protobuf.")
    sampler = env.text("OTEL_TRACES_SAMPLER", "parentbased_always_on")
    if sampler not in SAMPLERS:
        names = ", ".join(SAMPLERS)
        raise ImproperlyConfigured(f"OTEL_TRACES_SAMPLER is not one of {names}.")
    share = env.text("OTEL_TRACES_SAMPLER_ARG")
    if share and not re.fullmatch(r"0|1|0?\.[0-9]{1,12}|1\.0{1,12}", share):
        raise ImproperlyConfigured(
            "OTEL_TRACES_SAMPLER_ARG is not a share from 0 to 1. Write one such as 0.01."
        )
    timeout = env.text("OTEL_EXPORTER_OTLP_TIMEOUT", "10")
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", timeout):
        raise ImproperlyConfigured("OTEL_EXPORTER_OTLP_TIMEOUT is not a number of seconds.")
    interval = env.text("OTEL_METRIC_EXPORT_INTERVAL", "60000")
    if not re.fullmatch(r"[1-9][0-9]{2,8}", interval):
        raise ImproperlyConfigured("OTEL_METRIC_EXPORT_INTERVAL is not a number of milliseconds.")
