"""The board and the alert rules name only what is declared; what is generated is up to date."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
import yaml

from connections.telemetry.declared import METRICS, Kind
from tools.render_metrics import BOARD, ROOT, RULES

NAME = re.compile(r"\b(switchboard_\w+)(?:\{([^}]*)\})?")
BY = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
ADDED = {"le", "instance", "job"}  # by Prometheus itself


def board_expressions() -> Iterator[str]:
    for panel in json.loads(BOARD.read_text())["panels"]:
        yield from (one["expr"] for one in panel.get("targets", ()))


def rule_expressions() -> Iterator[str]:
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        yield from (one["expr"] for one in group["rules"])


EXPRESSIONS = [*board_expressions(), *rule_expressions()]


def declared(name: str) -> str:
    """The name of the metric that a name in an expression is of, empty where there is none."""
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    if base != name and base in METRICS and METRICS[base].kind is Kind.HISTOGRAM:
        return base
    return name if name in METRICS and METRICS[name].kind is not Kind.HISTOGRAM else ""


def faults_of(expression: str) -> list[str]:
    """What of the expression is not declared."""
    found, known = [], set(ADDED)
    for name, matchers in NAME.findall(expression):
        metric = METRICS.get(declared(name))
        if metric is None:
            found.append(name)
            continue
        known |= set(metric.labels)
        labels = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", re.sub(r'"[^"]*"', '""', matchers))
        found += [f"{name}: {one}" for one in labels if one not in (*metric.labels, *ADDED)]
    for group in BY.findall(expression):
        found += [f"by {one.strip()}" for one in group.split(",") if one.strip() not in known]
    return found


def test_there_are_expressions():
    assert len(EXPRESSIONS) > 60


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_names_what_is_declared(expression: str):
    assert faults_of(expression) == []


def test_what_is_not_declared_is_found():
    text = 'sum by (user) (rate(switchboard_gateway_requests_total{token="x"}[5m])) + switchboard_x'
    assert faults_of(text) == [
        "switchboard_gateway_requests_total: token",
        "switchboard_x",
        "by user",
    ]
    assert faults_of("switchboard_http_request_seconds > 1") == ["switchboard_http_request_seconds"]


def test_every_metric_is_on_the_board_or_in_a_rule():
    used = {declared(name) for text in EXPRESSIONS for name, _ in NAME.findall(text)}
    assert sorted(METRICS.keys() - used) == []


def test_what_an_alert_says_names_labels_that_it_has():
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            named = re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values()))
            kept = {one.strip() for by in BY.findall(rule["expr"]) for one in by.split(",")}
            assert set(named) <= (kept or ADDED), rule["alert"]


def test_what_is_generated_is_up_to_date():
    command = [sys.executable, "-m", "tools.render_metrics", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
