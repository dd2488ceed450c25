"""The gateway against its upstream asked directly and against LiteLLM's proxy, in turns within one
run.
"""

import http.client
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass

from . import peers
from .api import SECONDS, server
from .databases import ConnectionCount
from .load import Found, Job, body, chat, finish, page, run, start
from .processes import Running, cpu, cpu_beside, memory
from .upstream import WORD, upstream

CLIENTS = (1, 16, 64)
CHUNKS = 20
STREAMS, LONG = 200, ("--chunks", "50", "--per-chunk", "0.1")
POOL = "4"  # database connections of each worker
PAGES = ("/health/live", "/sign-in/")
WIDTH = 22


@dataclass(frozen=True)
class Server:
    """Something that answers chats.

    `slow` is where the long streams are asked for; `url` is its database, if it is ours;
    `is_limited`: the token has limits of requests and of tokens, and `running` is another line's.
    """

    name: str
    running: Running
    token: str
    slow: Running
    url: str | None = None
    is_limited: bool = False


@dataclass(frozen=True)
class Cell:
    """One line of the table: what was found, and the server's CPU seconds for 1,000 answers."""

    found: Found
    cpu: float | None


def measure(urls: dict[str, str], connections: int) -> None:
    """Prints the tables: `urls` are empty or filled databases by name, `connections` how many rows
    they shall hold.
    """
    with ExitStack() as stack:
        servers = started(stack, urls, connections)
        for one in servers:
            right(one)
        print(
            f"\nGateway. Load of this machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} "
            f"CPUs; {SECONDS:g} s for each line; checks by themselves are off"
        )
        for stream in (False, True):
            print_answers(servers, stream)
        processes = [one for one in servers if not one.is_limited]
        print_beside([one for one in servers if one.url])
        print_memory(processes)
        print_long_streams(processes)
        print_deactivations([one for one in processes if one.url])


def started(stack: ExitStack, urls: dict[str, str], connections: int) -> list[Server]:
    """All of them at once: idle they cost nothing, and what disturbs the machine for a while
    disturbs all.
    """
    fast, slow = (
        stack.enter_context(upstream("--chunks", str(CHUNKS))),
        stack.enter_context(upstream(*LONG)),
    )
    servers = [Server("direct", fast, "none", slow)]
    proxy = stack.enter_context(peers.litellm({"bench": fast.port, "bench-slow": slow.port}))
    if proxy:
        servers.append(Server("LiteLLM", proxy, peers.KEY, proxy))
    else:
        print("LiteLLM's proxy is not installed: `make bench-peers` adds it to the tables.")
    for name, url in urls.items():
        # LiteLLM's proxy asks no service by itself either; `checks` measures what ours costs.
        environment = {
            "DATABASE_URL": url,
            "DATABASE_POOL_SIZE": POOL,
            "CONNECTIONS_CHECK_MINUTES": "0",
        }
        command = [
            sys.executable,
            "-m",
            "bench.rows",
            str(connections),
            str(fast.port),
            str(slow.port),
        ]
        made = subprocess.run(
            command, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=True
        )
        running = stack.enter_context(server(**environment))
        free, limited = made.stdout.split()[-2:]
        servers.append(Server(f"us, {name}", running, free, running, url))
        servers.append(Server(f"us, {name}, limits", running, limited, running, url, True))
    return servers


def right(one: Server) -> None:
    """Raises RuntimeError unless it answers what the stub says, whole and as a stream."""
    for stream in (False, True):
        connection = http.client.HTTPConnection("127.0.0.1", one.running.port, timeout=30)
        headers = {"Authorization": f"Bearer {one.token}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/chat/completions", body(stream, "bench"), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200 or said(text, stream) != WORD * CHUNKS:
            raise RuntimeError(
                f"{one.name} answered {answer.status} to {'a stream' if stream else 'a chat'}: "
                f"{text[:1000]}"
            )


def said(text: str, stream: bool) -> str:
    """The words of an answer."""
    if not stream:
        return json.loads(text)["choices"][0]["message"]["content"]
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    return "".join(
        choice["delta"].get("content") or ""
        for event in events
        for choice in event.get("choices", [])
    )


def cell(one: Server, stream: bool, clients: int) -> Cell:
    """Measures one line."""
    before = cpu(one.running.pid)
    found = run(Job(one.running.port, chat(one.token, stream), clients, SECONDS))
    after = cpu(one.running.pid)
    return Cell(
        found, (after - before) * 1000 / found.count if before and after and found.count else None
    )


def print_answers(servers: list[Server], stream: bool) -> None:
    """One table, in which every number of clients asks the servers one after the other."""
    print(
        f"\n{f'Streams of {CHUNKS} chunks' if stream else 'Plain answers'}; times in ms; 'added' "
        "is beyond direct"
    )
    heads = f"{'requests/s':>12}{'p50':>9}{'p99':>9}{'first':>9}{'added p50':>11}{'added p99':>11}"
    print(
        f"{'clients':>7}  {'':<{WIDTH}}{heads}{'CPU s/1,000':>13}   of LiteLLM: "
        f"{'requests/s':>12}{'added p50':>11}{'CPU':>8}"
    )
    for one in servers:
        run(Job(one.running.port, chat(one.token, stream), 16, 0.5))  # all workers are warm
    for clients in CLIENTS:
        cells: dict[str, Cell] = {}
        for one in servers:
            cells[one.name] = cell(one, stream, clients)
            print(f"{clients:>7}  {one.name:<{WIDTH}}{line(one, cells)}", flush=True)


def line(one: Server, cells: dict[str, Cell]) -> str:
    """The figures of the last of these cells, beside those of the cells before it."""
    found, used = cells[one.name].found, cells[one.name].cpu
    figures = f"{found.rate:>12,.0f}{found.p50:>9.2f}{found.p99:>9.2f}" + number(
        found.first or None, 9
    )
    direct = None if one.name == "direct" else cells["direct"].found
    figures += (
        number(direct and found.p50 - direct.p50, 11)
        + number(direct and found.p99 - direct.p99, 11)
        + number(used, 13)
    )
    if one.url and "LiteLLM" in cells:
        figures += f"{'':<15}" + against(
            cells["LiteLLM"], cells[one.name], cells["direct"].found.p50
        )
    return figures + trouble(found)


def against(peer: Cell, own: Cell, floor: float) -> str:
    """Ours as a multiple of the peer's: requests/s, milliseconds beyond `floor` at the median,
    CPU.
    """
    rate = own.found.rate / peer.found.rate if peer.found.rate else None
    added = (own.found.p50 - floor) / (peer.found.p50 - floor) if peer.found.p50 > floor else None
    used = own.cpu / peer.cpu if own.cpu and peer.cpu else None
    return number(rate, 11, "x", 1) + number(added, 10, "x", 3) + number(used, 7, "x", 3)


def number(value: float | None, width: int, unit: str = "", digits: int = 2) -> str:
    """A number in a column; a dash when there is none."""
    return f"{'-' if value is None else f'{value:.{digits}f}{unit}':>{width + len(unit)}}"


def trouble(found: Found) -> str:
    """The reasons to trust a line less, in words; empty if there are none."""
    words = [f"{found.errors} errors: {found.error[:200]!r}"] if found.errors else []
    words += ["the clients were the limit"] if found.busy > 0.9 else []
    return "".join(f"  {word}" for word in words)


def print_beside(servers: list[Server]) -> None:
    """What the threads beside the event loop take of each request."""
    print("\nOf the CPU above, µs a plain answer in other threads: records, totals, health, limits")
    for one in servers:
        before = cpu_beside(one.running.pid)
        found = run(Job(one.running.port, chat(one.token, False), 16, 2 * SECONDS))
        spent = cpu_beside(one.running.pid) - before
        print(f"         {one.name:<{WIDTH}}{spent * 1e6 / found.count:>5.0f}", flush=True)


def print_memory(servers: list[Server]) -> None:
    """Of all processes of each server, after the load."""
    print(f"\nMemory after it, MB  {'RSS':>12}{'PSS (shared pages once)':>26}")
    for one in servers:
        found = memory(one.running.pid)
        print(
            f"         {one.name:<{WIDTH}}"
            + (f"{found[0]:>4,.0f}{found[1]:>26,.0f}" if found else "cannot be read here")
        )


def print_long_streams(servers: list[Server]) -> None:
    """Many long streams at once; our pages are asked for meanwhile."""
    print(
        f"\n{STREAMS} streams of 5 s at once, 2 workers, a pool of {POOL} in each; times in ms, "
        "median and most; each page asked each 50 ms"
    )
    print(
        f"{'':<{WIDTH}}{'complete':>10}{'first chunk':>17}{'whole':>17}{PAGES[0]:>17}"
        f"{PAGES[1]:>17}{'database connections':>22}"
    )
    for one in servers:
        before = start(Job(one.slow.port, chat(one.token, True, "bench-slow"), STREAMS, 0))
        asked = (
            [start(Job(one.running.port, page(path), 1, 5, 0.05)) for path in PAGES]
            if one.url
            else []
        )
        connections = ConnectionCount(one.url)
        while before.poll() is None:
            connections.look()
            time.sleep(0.05)
        streams, pages = finish(before), [finish(process) for process in asked]
        figures = pair(streams.first, streams.first_most) + pair(streams.p50, streams.most)
        figures += (
            "".join(pair(found.p50, found.most) for found in pages)
            if pages
            else f"{'-':>17}" * len(PAGES)
        )
        most = "-" if connections.most is None else f"at most {connections.most}"
        words = "".join(trouble(found) for found in [streams, *pages])
        print(
            f"{one.name:<{WIDTH}}{f'{streams.count}/{STREAMS}':>10}{figures}{most:>22}{words}",
            flush=True,
        )


def pair(median: float, most: float) -> str:
    """Two times in one column."""
    return f"{f'{median:,.0f} / {most:,.0f}':>17}"


def print_deactivations(servers: list[Server]) -> None:
    """From the commit of the switch until every worker has refused."""
    print("\nA connection is switched off, 20 times")
    for one in servers:
        command = [
            sys.executable,
            "-m",
            "bench.deactivation",
            str(one.running.port),
            str(one.running.pid),
        ]
        environment = os.environ | {"DATABASE_URL": str(one.url), "BENCH_TOKEN": one.token}
        found = json.loads(
            subprocess.run(
                command, env=environment, stdout=subprocess.PIPE, text=True, check=True
            ).stdout
        )
        times = (
            f"refused by all after {found['median']:.1f} ms (median), {found['most']:.1f} ms (most)"
        )
        late = f"requests begun after the switch and still answered: {found['answered']} in all"
        print(f"{one.name:<{WIDTH}}{found['workers']} connections: {times}; {late}", flush=True)
