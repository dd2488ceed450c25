"""Prometheus itself reads what Switchboard tells: `make test-metrics`.

Servers with two workers are scraped under load, while a worker is killed and all are renewed.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from tests.connections.api.serving import _free_port as free_port
from tests.documents.blocks import blocks_of
from tests.gateway.serving import Gateway, Surroundings, another_server, eventually, surroundings
from tools.render_metrics import RULES

from .test_documents import EXPRESSIONS

TOKEN = "scrapes-for-these-tests-71fc0d"
CLIENTS = 8


@dataclass
class Prometheus:
    """A running Prometheus that asks each server once a second."""

    url: str
    process: "subprocess.Popen[bytes]"

    def ask(self, expression: str) -> list[dict[str, Any]]:
        """The series of an expression now."""
        answer = httpx2.get(f"{self.url}/api/v1/query", params={"query": expression})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def number(self, expression: str) -> float:
        """The one number that an expression gives; 0 without series."""
        return float(next((one["value"][1] for one in self.ask(expression)), 0))

    def becomes(self, expression: str, wanted: float) -> None:
        """Waits until it is so; the answer may be between two scrapes."""
        until = time.monotonic() + 30
        while (found := self.number(expression)) != wanted:
            assert time.monotonic() < until, f"{expression} is {found} and not {wanted}"
            time.sleep(0.3)


@contextmanager
def prometheus(place: Path, *servers: Gateway) -> Iterator[Prometheus]:
    """Prometheus on these servers, with our rules."""
    port = free_port()
    (place / "token").write_text(TOKEN)
    job = {
        "job_name": "switchboard",
        "scrape_interval": "1s",
        "authorization": {"credentials_file": str(place / "token")},
        "static_configs": [{"targets": [one.url.removeprefix("http://") for one in servers]}],
    }
    config = {"scrape_configs": [job], "rule_files": [str(RULES)]}
    (place / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = [
        "prometheus",
        f"--config.file={place / 'prometheus.yml'}",
        f"--storage.tsdb.path={place / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    with subprocess.Popen(command) as process:
        one = Prometheus(f"http://127.0.0.1:{port}", process)
        try:
            eventually(lambda: is_ready(one.url), 60)
            one.becomes("sum(up)", len(servers))
            yield one
        finally:
            process.terminate()


def is_ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/-/ready").status_code == 200
    except httpx2.HTTPError:
        return False


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    place = tmp_path_factory.mktemp("metrics")
    with surroundings(place, METRICS_TOKEN=TOKEN) as one:
        yield one


@pytest.fixture
def gate(around: Surroundings, tmp_path: Path) -> Iterator[Gateway]:
    with another_server(around, tmp_path / "log", "--graceful-timeout=10") as one:
        yield one


def workers(one: Gateway) -> list[int]:
    """The processes that answer."""
    pid = one.server.process.pid
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def load(one: Gateway, profile: str, number: int) -> int:
    """So many requests of some clients at once; how many were answered. Each has a connection of
    its own, so that both workers get some.
    """

    def ask(place: int) -> bool:
        try:
            with httpx2.Client(timeout=30) as client:
                body = {"model": profile, "messages": [{"role": "user", "content": "Hi"}]}
                answer = client.post(
                    f"{one.url}/v1/chat/completions",
                    json={**body, "stream": place % 2 == 0},
                    headers={"Authorization": f"Bearer {one.token}"},
                )
                return answer.status_code == 200
        except httpx2.HTTPError:
            return False

    with ThreadPoolExecutor(CLIENTS) as pool:
        return sum(pool.map(ask, range(number)))


def requests_of(*profiles: str) -> str:
    return f'sum(switchboard_gateway_requests_total{{profile=~"{"|".join(profiles)}"}})'


def tokens_of(profile: str, kind: str) -> str:
    return f'sum(switchboard_gateway_tokens_total{{profile="{profile}",kind="{kind}"}})'


def gone_back(asked: Prometheus) -> list[str]:
    """The counters that have ever become less."""
    every = 'count by (__name__) ({__name__=~"switchboard_.*(_total|_bucket|_count|_sum)"})'
    names = [one["metric"]["__name__"] for one in asked.ask(every)]
    assert len(names) > 20
    return [name for name in names if asked.number(f"max(resets({name}[30m]))")]


def test_figures_are_what_the_service_saw_and_the_records_say(gate: Gateway, tmp_path: Path):
    profile = gate.profile()
    before = len(gate.upstream.seen)
    with prometheus(tmp_path, gate) as asked:
        answered = load(gate, profile, 300)
        records = gate.records(profile, answered)
        assert answered == 300 == len(gate.upstream.seen) - before == len(records)
        asked.becomes(requests_of(profile), 300)
        asked.becomes("sum(switchboard_recorder_written_records_total)", 300)
        for kind in ("input", "output"):
            asked.becomes(tokens_of(profile, kind), sum(one[f"{kind}_tokens"] for one in records))
        asked.becomes(
            f'sum(switchboard_gateway_first_chunk_seconds_count{{profile="{profile}"}})', 150
        )
        asked.becomes("sum(switchboard_gateway_requests_running)", 0)


def test_a_renewal_under_load_counts_each_request_once(gate: Gateway, tmp_path: Path):
    profile = gate.profile()
    with prometheus(tmp_path, gate) as asked, ThreadPoolExecutor(1) as pool:
        for _ in range(2):
            old, loading = set(workers(gate)), pool.submit(load, gate, profile, 200)
            time.sleep(0.3)
            gate.server.process.send_signal(signal.SIGHUP)
            assert loading.result() > 150  # a new connection may come to one that just ends
            renewed(gate, old)
        time.sleep(1)  # the last of the old workers wrote its records when it ended
        records = gate.office.records(profile_alias=profile)
        asked.becomes(requests_of(profile), len(records))
        asked.becomes("sum(switchboard_worker_starts_total)", 6)
        asked.becomes("min(switchboard_workers)", 2)
        assert gone_back(asked) == []


def renewed(one: Gateway, old: set[int]) -> None:
    """Waits until none of these workers is left, and two others are there."""
    eventually(lambda: len(workers(one)) == 2 and not old & {*workers(one)}, 60)


def test_a_killed_worker_leaves_its_counts(gate: Gateway, tmp_path: Path):
    profile = gate.profile()
    with prometheus(tmp_path, gate) as asked, ThreadPoolExecutor(1) as pool:
        first = load(gate, profile, 100)
        asked.becomes(requests_of(profile), first)
        killed = workers(gate)[0]
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: len(workers(gate)) == 2 and killed not in workers(gate), 60)
        asked.becomes(requests_of(profile), first)
        before, loading = len(gate.upstream.seen), pool.submit(load, gate, profile, 200)
        time.sleep(0.5)
        os.kill(workers(gate)[0], signal.SIGKILL)
        answered = loading.result()
        seen = len(gate.upstream.seen) - before
        asked.becomes("min(switchboard_workers)", 2)
        time.sleep(2)
        # those that ran in the killed worker are nobody's to count
        counted = asked.number(requests_of(profile)) - first
        assert answered <= counted <= seen <= answered + 2 * CLIENTS
        asked.becomes("sum(switchboard_worker_ends_total)", 2)
        assert gone_back(asked) == []


def test_two_instances_count_apart_and_know_the_same(around: Surroundings, tmp_path: Path):
    with (
        another_server(around, tmp_path / "one") as one,
        another_server(around, tmp_path / "two") as two,
        prometheus(tmp_path, one, two) as asked,
    ):
        profile = one.profile()
        numbers = [load(one, profile, 60), load(two, profile, 40)]
        asked.becomes(requests_of(profile), 100)
        by_instance = asked.ask(f"sum by (instance) ({requests_of(profile)[4:-1]})")
        assert sorted(float(found["value"][1]) for found in by_instance) == sorted(numbers)
        asked.becomes("count(count by (instance) (switchboard_connections))", 2)
        shared = "sum by (instance) (switchboard_connections)"
        asked.becomes(f"max({shared}) - min({shared})", 0)
        two.server.process.terminate()
        two.server.process.wait(60)
        asked.becomes("sum(up)", 1)
        asked.becomes(requests_of(profile), numbers[0])


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run(
        ["promtool", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_rules():
    promtool("check", "rules", RULES)


def test_prometheus_takes_the_configuration_of_the_documents(tmp_path: Path):
    (block,) = [one for one in blocks_of("docs/metrics.md") if "scrape_configs" in one.text]
    (tmp_path / "prometheus.yml").write_text(block.text)
    (tmp_path / "alerts.yml").write_bytes(RULES.read_bytes())
    promtool("check", "config", "--syntax-only", tmp_path / "prometheus.yml")


def test_prometheus_can_read_every_expression_of_the_board(tmp_path: Path):
    texts = [one.replace("$__rate_interval", "5m") for one in EXPRESSIONS]
    rules = [{"record": f"panel:{place}", "expr": text} for place, text in enumerate(texts)]
    file = tmp_path / "board.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}))
    promtool("check", "rules", file)


# What happens to which series for an hour, a value each minute, and the alerts there are then.
STORIES: dict[str, tuple[dict[str, str], str]] = {
    "nothing is scraped": ({}, "SwitchboardNotScraped"),
    "records are lost": (
        {"switchboard_recorder_lost_records_total": "0x55 3 9 9 9 9"},
        "SwitchboardRecorderLoses",
    ),
    "a connection fails": (
        {'switchboard_connection_failing{connection="main"}': "1x60"},
        "SwitchboardConnectionFailing",
    ),
    "the gateway fails": (
        {
            'switchboard_gateway_responses_total{status="200"}': "0+90x60",
            'switchboard_gateway_responses_total{status="502"}': "0+10x60",
        },
        "SwitchboardGatewayErrors",
    ),
    "the database is away": ({"switchboard_database_up": "0x60"}, "SwitchboardDatabaseAway"),
    "a store is away": (
        {'switchboard_source_up{source="vault"}': "1x30 0x30"},
        "SwitchboardSourceAway",
    ),
    "nothing runs": (
        {"switchboard_schedule_seen_timestamp_seconds": "0x60"},
        "SwitchboardScheduleQuiet",
    ),
    "a certificate ends": (
        {'switchboard_next_end_timestamp_seconds{kind="certificate"}': "90000x90"},
        "SwitchboardEndNear",
    ),
    "the pool is used up": (
        {"switchboard_database_pool_waiting_requests": "4x60"},
        "SwitchboardPoolUsedUp",
    ),
    "a limit is nearly used": (
        {'switchboard_limit_used_max_ratio{of="token",limit="tokens"}': "0.95x60"},
        "SwitchboardLimitNearlyUsed",
    ),
    "workers die": (
        {"switchboard_worker_ends_total": "0+1x60", "switchboard_workers_wanted": "2x60"},
        "SwitchboardWorkersRestart",
    ),
    "all is well": ({"switchboard_database_up": "1x60", "switchboard_workers": "2x60"}, ""),
}


@pytest.mark.parametrize("story", STORIES)
def test_an_alert_fires_when_it_should(story: str, tmp_path: Path):
    series, alert = STORIES[story]
    there = {} if story == "nothing is scraped" else {"switchboard_build_info": "1x90"}
    inputs = [{"series": name, "values": values} for name, values in {**there, **series}.items()]
    names = [rule["alert"] for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]]
    wanted = [
        {"expr": f'count(ALERTS{{alertname="{one}",alertstate="firing"}}) or vector(0)'}
        for one in names
    ]
    firing = [
        {**one, "eval_time": "60m", "exp_samples": [{"labels": "{}", "value": int(name == alert)}]}
        for one, name in zip(wanted, names, strict=True)
    ]
    test = {"interval": "1m", "input_series": inputs, "promql_expr_test": firing}
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "tests": [test]}))
    promtool("test", "rules", file)
