"""What a service has read is not sent again, whatever a connection's Retries are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.upstreams.passthrough import Upstream
from providers.core.base import Limits, WireTarget
from providers.core.chat import ChatRequest
from providers.core.errors import ProviderError
from providers.core.registry import get_provider
from providers.http.egress import EgressPolicy
from providers.http.retries import counting_retries
from tests.providers.samples import sample_settings

ANSWER = b'{"choices": []}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class Service:
    """A service that reads whole requests. Its first `good` ones are answered and the connection is
    kept; after each other one it closes without a word.
    """

    def __init__(self, good: int = 0, closes_after: bool = False) -> None:
        self.good, self.closes_after = good, closes_after
        self.read = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r")[0])
            await reader.readexactly(length)
            self.read += 1
            if self.read > self.good:
                break
            writer.write(HEAD % len(ANSWER) + ANSWER)
            await writer.drain()
            if self.closes_after:
                break
        writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[Service]:
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    service.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield service


async def ask(upstream: Upstream, service: Service) -> bytes | str:
    try:
        response = await upstream.ask(WireTarget(service.url, {}, False), {}, 5, stream=False)
        return await response.read()
    except ProviderError as error:
        return error.code


def asked(service: Service, times: int, pause: float = 0) -> list[bytes | str]:
    async def run() -> list[bytes | str]:
        upstream = Upstream(EgressPolicy())
        async with serving(service):
            found = []
            for _ in range(times):
                found.append(await ask(upstream, service))
                await asyncio.sleep(pause)
            await upstream.close()
            return found

    return asyncio.run(run())


def test_a_request_that_was_read_on_a_new_connection_is_not_sent_again():
    service = Service()
    assert (asked(service, 1), service.read) == (["error"], 1)


def test_a_request_that_was_read_on_a_kept_connection_is_not_sent_again():
    service = Service(good=1)
    assert (asked(service, 2), service.read) == ([ANSWER, "error"], 2)


def test_a_kept_connection_that_was_closed_is_not_written_to():
    service = Service(good=9, closes_after=True)
    assert (asked(service, 9, pause=0.01), service.read) == ([ANSWER] * 9, 9)


async def chatted(provider: Any) -> str:
    request = ChatRequest.model_validate(
        {"model": "model-1", "messages": [{"role": "user", "content": "Hello"}]}
    )
    try:
        await provider.chat(request)
    except ProviderError as error:
        return error.code
    finally:
        await provider.aclose()
    return ""


@pytest.mark.parametrize("name", ["anthropic", "google", "amazon", "mistral", "openai"])
def test_an_sdk_without_retries_sends_a_request_once(name: str):
    async def run() -> tuple[str, int]:
        async with serving(Service()) as service:
            kind = get_provider(name)
            settings = kind.Settings.model_validate(
                sample_settings(kind, service.url, "sk-1234567")
            )
            provider = kind(settings, limits=Limits(max_retries=0))
            return await chatted(provider), service.read

    assert asyncio.run(run()) == ("error", 1)


REFUSAL = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: 0\r\n\r\n"


class Busy(Service):
    """A service that refuses every request."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r")[0])
            await reader.readexactly(length)
            self.read += 1
            writer.write(REFUSAL)
            await writer.drain()
        writer.close()


def with_one_retry(name: str, asked: Service) -> tuple[str, int, int]:
    """How a chat ends whose SDK may try twice, how many requests were read, and the retries."""

    async def run() -> tuple[str, int, int]:
        async with serving(asked) as service:
            kind = get_provider(name)
            settings = kind.Settings.model_validate(
                sample_settings(kind, service.url, "sk-1234567")
            )
            with counting_retries() as sent:
                outcome = await chatted(kind(settings, limits=Limits(max_retries=1)))
            return outcome, service.read, sent.retries

    return asyncio.run(run())


@pytest.mark.parametrize("name", ["anthropic", "google", "amazon"])
def test_an_sdk_with_retries_does_not_send_again_what_was_read(name: str):
    assert with_one_retry(name, Service()) == ("error", 1, 0)


@pytest.mark.parametrize("name", ["anthropic", "google", "amazon"])
def test_the_retries_of_an_sdk_are_counted(name: str):
    assert with_one_retry(name, Busy()) == ("error", 2, 1)
