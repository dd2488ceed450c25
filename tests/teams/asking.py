"""Requests to the gateway's application, in this process and without Django."""

import asyncio
import json
from typing import Any

from gateway.doors.asgi import GatewayApplication
from gateway.routing.gateway import start_gateway, stop_gateway

HELLO = {"messages": [{"role": "user", "content": "Hello"}]}
Answer = tuple[int, Any, dict[str, str]]
Request = tuple[str, str, Any] | tuple[str, str, Any, str]  # what `ask` takes


async def _django(*_arguments: Any) -> None:
    raise AssertionError("the gateway answers this")


async def ask(text: str, path: str, body: Any = None, profile: str = "") -> Answer:
    """Status, body and headers of one request to the gateway with a token. Of a stream the body is
    its text. `profile`: of the header that names one.
    """
    sent: list[dict[str, Any]] = []
    content = json.dumps(body).encode() if body is not None else b""
    headers = [
        (b"authorization", f"Bearer {text}".encode()),
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"x-request-id", b"the-same"),
    ]
    if profile:
        headers.append((b"profileidoralias", profile.encode()))
    scope = {
        "type": "http",
        "method": "GET" if body is None else "POST",
        "path": path,
        "headers": headers,
        "client": ("127.0.0.1", 1),
    }

    received = iter([{"type": "http.request", "body": content}])

    async def receive() -> dict[str, Any]:
        """The body, then nothing: nobody hangs up."""
        message = next(received, None)
        return message or await asyncio.get_running_loop().create_future()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await GatewayApplication(_django)(scope, receive, send)
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    said = b"".join(one.get("body", b"") for one in sent[1:]).decode()
    is_stream = told["content-type"].startswith("text/event-stream")
    return sent[0]["status"], said if is_stream else json.loads(said), told


def asked(*requests: Request) -> list[Answer]:
    """The answers to some requests, one after the other, of one worker."""

    async def all_of_them() -> list[Answer]:
        await start_gateway()
        try:
            return [await ask(*one) for one in requests]
        finally:
            await stop_gateway()

    return asyncio.run(all_of_them())
