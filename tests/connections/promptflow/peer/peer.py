"""Runs in promptflow's own venv: reads every connection by its HTTP provider, then runs the flow in
three ways. Prints JSON.
"""

import json
import sys
import time
from pathlib import Path

from promptflow.connections import ConnectionProvider
from promptflow.core import Flow
from promptflow.core._serving.app import create_app
from promptflow.executor import FlowExecutor

FLOW = Path(__file__).parent / "flow"


def described(connection: object) -> dict[str, object]:
    """What a consumer sees of a connection."""
    return {
        "class": type(connection).__name__,
        "name": connection.name,
        "configs": connection.configs,
        "secrets": connection.secrets,
    }


def main() -> None:
    """The names to get one by one are the arguments."""
    provider = ConnectionProvider.get_instance()
    got, times = {}, []
    for name in sys.argv[1:]:
        started = time.perf_counter()
        got[name] = described(provider.get(name))
        times.append(time.perf_counter() - started)
    found = {
        "provider": type(provider).__name__,
        "listed": [described(one) for one in provider.list()],
        "got": got,
    }
    found["milliseconds"] = sorted(round(one * 1000, 1) for one in times)
    executor = FlowExecutor.create(FLOW / "flow.dag.yaml", provider, FLOW)
    served = (
        create_app(flow_file_path=FLOW, project_path=str(FLOW), init={})
        .test_client()
        .post("/score", json={"question": "served"})
    )
    found["answers"] = [
        Flow.load(FLOW)(question="loaded")["answer"],
        executor.exec_line({"question": "executed"}).output["answer"],
        served.get_json()["answer"],
    ]
    print("\n" + json.dumps(found))


if __name__ == "__main__":
    main()
