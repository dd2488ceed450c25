"""More sign-ins at once than may wait are refused before anything is asked."""

import asyncio
from typing import Any

from backoffice.sign_in_gate import MOST, SignInGate

SCOPE = {"type": "http", "method": "POST", "path": "/sign-in/", "headers": []}


async def answers_of(scopes: list[dict[str, Any]]) -> list[int]:
    go_on, statuses = asyncio.Event(), []

    async def django(scope: Any, receive: Any, send: Any) -> None:
        await go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: dict[str, Any]) -> None:
        statuses.append(message.get("status"))

    gate = SignInGate(django)
    tasks = [asyncio.create_task(gate(one, None, send)) for one in scopes]  # type: ignore[arg-type]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(*tasks)
    return [one for one in statuses if one]


def test_those_beyond_the_bound_are_refused_and_other_pages_are_not():
    page = SCOPE | {"method": "GET"}
    found = asyncio.run(answers_of([SCOPE] * (MOST + 3) + [page] * 50))
    assert (found.count(503), found.count(200)) == (3, MOST + 50)
