"""Runs in promptflow's venv: fills its store with as many connections as the argument says,
measures it in process, prints JSON.
"""

import json
import statistics
import sys
import time

from promptflow.client import PFClient
from promptflow.entities import AzureOpenAIConnection

GETS, ROUNDS = 200, 7


def main() -> None:
    """Milliseconds of one get by name and of the whole list as dicts, medians over rounds."""
    number = int(sys.argv[1])
    connections = PFClient().connections
    for one in range(number):
        row = AzureOpenAIConnection(
            name=f"connection-{one}",
            api_key=f"sk-bench-0123456789abcdef-{one}",
            api_base=f"https://host-{one}.example.com",
        )
        connections.create_or_update(row)
    get, listed = [], []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for one in range(GETS):
            connections.get(f"connection-{one * 7 % number}")
        get.append((time.perf_counter() - started) / GETS * 1000)
        started = time.perf_counter()
        found = [one._to_dict() for one in connections.list(all_results=True)]
        listed.append((time.perf_counter() - started) * 1000)
    print(
        json.dumps(
            {"get": statistics.median(get), "list": statistics.median(listed), "listed": len(found)}
        )
    )


if __name__ == "__main__":
    main()
