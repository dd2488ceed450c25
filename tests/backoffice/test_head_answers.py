"""Answers to HEAD have the headers of GET's and no body, which the server would warn of."""

import asyncio
from typing import Any

import pytest

from backoffice.head_answers import HeadAnswers

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]}


@pytest.mark.parametrize(("method", "body"), [("HEAD", b""), ("GET", b"text")])
def test_no_body_of_an_answer_to_head_reaches_the_server(method: str, body: bytes):
    sent: list[dict[str, Any]] = []

    async def page(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"text", "more_body": False})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method}
    asyncio.run(HeadAnswers(page)(scope, None, send))  # type: ignore[arg-type]
    assert sent == [START, {"type": "http.response.body", "body": body, "more_body": False}]
