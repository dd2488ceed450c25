"""Bedrock's models over HTTP: what leaves, what arrives when, and what is left when a caller hangs
up.
"""

import asyncio
import hashlib
import hmac
import json
import re
import struct
import threading
import time
import traceback
from binascii import crc32
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import pytest

from providers.core.base import Limits, Provider
from providers.core.chat import ChatRequest, EmbeddingRequest
from providers.core.errors import ProviderError
from providers.core.registry import get_provider
from providers.core.request_id import REQUEST_ID
from providers.core.trace_context import TRACE_HEADERS
from providers.http.egress import EgressPolicy
from tests.providers.samples import PATIENT, SHORT, sample
from tests.upstreams import ReceivedRequest, Upstream

MODEL = "amazon.nova-lite-v1:0"
ARN = "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-lite-v1:0"
TITAN = "amazon.titan-embed-text-v2:0"
SECRET = "made-up-secret-4417"
PATH = "/model/amazon.nova-lite-v1%3A0/converse"
ANSWER = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
    "metrics": {"latencyMs": 1},
}
SECONDS = 10  # that a busy machine may take


def request_of(**fields: Any) -> ChatRequest:
    return ChatRequest.model_validate(
        {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], **fields}
    )


def bedrock(url: str, limits: Limits = PATIENT, **changes: Any) -> Provider[Any]:
    return sample(get_provider("amazon"), url, limits=limits, secret_access_key=SECRET, **changes)


async def chat(made: Provider[Any]) -> Any:
    return await made.chat(request_of())


async def stream(made: Provider[Any]) -> Any:
    return [chunk async for chunk in made.stream_chat(request_of())]


async def embed(made: Provider[Any]) -> Any:
    return await made.embed(EmbeddingRequest(model=TITAN, input=["a", "b"]))


def threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "bedrock"]


def within_seconds(true: Callable[[], Any]) -> bool:
    end = time.monotonic() + SECONDS
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(true())


# What leaves


def signature(request: ReceivedRequest, region: str) -> str:
    """Worked out anew from what arrived:
    docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    given = request.headers["authorization"]
    names = re.search(r"SignedHeaders=([^,]+)", given)[1].split(";")  # type: ignore[index]
    headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in names)
    canonical = "\n".join(
        (
            "POST",
            quote(request.path),
            "",
            headers,
            ";".join(names),
            hashlib.sha256(request.body).hexdigest(),
        )
    )
    moment = request.headers["x-amz-date"]
    scope = (moment[:8], region, "bedrock", "aws4_request")
    key = f"AWS4{SECRET}".encode()
    for step in (
        *scope,
        "\n".join(
            (
                "AWS4-HMAC-SHA256",
                moment,
                "/".join(scope),
                hashlib.sha256(canonical.encode()).hexdigest(),
            )
        ),
    ):
        key = hmac.digest(key, step.encode(), "sha256")
    return key.hex()


@pytest.mark.parametrize("model", [MODEL, ARN])
def test_a_chat_is_signed_for_the_region_and_its_secret_stays_here(model: str):
    path = f"/model/{quote(model, safe='')}/converse"
    with Upstream(answers={path: (200, ANSWER)}) as upstream:
        answer = asyncio.run(
            bedrock(upstream.url, region="eu-west-1").chat(request_of(model=model))
        )
    sent = upstream.requests[0]
    assert (answer.content, sent.path) == ("Hi", path)
    assert sent.headers["authorization"].endswith(f"Signature={signature(sent, 'eu-west-1')}")
    assert json.loads(sent.body) == {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}
    assert SECRET not in sent


@pytest.mark.parametrize("act", ["chat", "stream", "embed", "list"])
def test_the_ids_of_the_request_and_of_its_trace_go_along(act: str):
    told = {"x-request-id": "order-17", "traceparent": f"00-{'4b' * 16}-{'0f' * 8}-01"}
    acts: dict[str, Callable[[Provider[Any]], Any]] = {
        "chat": lambda made: asyncio.run(chat(made)),
        "stream": lambda made: asyncio.run(stream(made)),
        "embed": lambda made: asyncio.run(embed(made)),
        "list": lambda made: made.list_models(),
    }

    def ask(made: Provider[Any]) -> None:
        REQUEST_ID.set(told["x-request-id"])
        TRACE_HEADERS.set({"traceparent": told["traceparent"]})
        with suppress(ProviderError):  # the answer is of no matter
            acts[act](made)

    with Upstream() as upstream:
        copy_context().run(ask, bedrock(upstream.url))
    assert upstream.requests
    for one in upstream.requests:
        assert told.items() <= one.headers.items()


def test_texts_are_embedded_in_their_order():
    with Upstream(
        answers={
            f"/model/{quote(TITAN, safe='')}/invoke": (
                200,
                {"embedding": [0.5], "inputTextTokenCount": 2},
            )
        }
    ) as upstream:
        answer = asyncio.run(embed(bedrock(upstream.url)))
    assert sorted(json.loads(one.body)["inputText"] for one in upstream.requests) == ["a", "b"]
    assert (answer.vectors, answer.usage.input_tokens) == (((0.5,), (0.5,)), 4)


ENVIRONMENT = {
    "AWS_BEARER_TOKEN_BEDROCK": "leaked",
    "AWS_ACCESS_KEY_ID": "leaked",
    "AWS_SECRET_ACCESS_KEY": "leaked",
    "AWS_SESSION_TOKEN": "leaked",
    "AWS_PROFILE": "nobody",
    "AWS_REGION": "leaked-1",
    "AWS_MAX_ATTEMPTS": "7",
}


def test_nothing_of_the_environment_changes_a_chat(monkeypatch: pytest.MonkeyPatch, tmp_path):
    with Upstream(keys=None) as trap, Upstream(answers={PATH: (200, ANSWER)}) as upstream:
        addresses = (
            "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
            "HTTP_PROXY",
            "http_proxy",
            "ALL_PROXY",
        )
        (tmp_path / "aws").write_text(f"[default]\nendpoint_url = {trap.url}\n")
        for name, value in {
            **ENVIRONMENT,
            **dict.fromkeys(addresses, trap.url),
            "AWS_CONFIG_FILE": str(tmp_path / "aws"),
        }.items():
            monkeypatch.setenv(name, value)
        assert asyncio.run(chat(bedrock(upstream.url))).content == "Hi"
    assert trap.requests == [] and "leaked" not in upstream.requests[0]
    assert "Credential=good-key/" in upstream.requests[0].headers["authorization"]


def test_no_secret_and_no_message_is_logged_however_much_is(caplog: pytest.LogCaptureFixture):
    for name in ("", "httpx2", "httpcore2", "botocore", "boto3", "asyncio", "providers"):
        caplog.set_level("DEBUG", name or None)
    with Upstream(answers={PATH: (200, ANSWER)}) as upstream:
        asyncio.run(chat(bedrock(upstream.url, session_token="made-up-token-9902")))
    said = f"{caplog.text} {[vars(record) for record in caplog.records]}"
    assert not [one for one in (SECRET, "made-up-token-9902", "good-key") if one in said]


# Faults

FAULTS = {
    "401": "unauthorized",
    "403": "forbidden",
    "404": "not_found",
    "429": "rate_limited",
    "500": "error",
    "close": "error",
    "html": "bad_response",
    "json_list": "bad_response",
    "redirect_away": "bad_response",
    "self_signed": "tls",
    "gzip_bomb": "bad_response",
}
ACTS = {"chat": chat, "stream": stream, "embed": embed}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("mode", FAULTS)
def test_a_fault_has_its_code_and_repeats_nothing(mode: str, act: str):
    with (
        Upstream(mode=mode, target="http://127.0.0.1:1") as upstream,
        pytest.raises(ProviderError) as caught,
    ):
        asyncio.run(ACTS[act](bedrock(upstream.url)))
    assert caught.value.code == FAULTS[mode]
    assert not [
        one
        for one in (SECRET, "good-key")
        if one in "".join(traceback.format_exception(caught.value))
    ]


@pytest.mark.parametrize("act", ACTS)
def test_a_service_that_hangs_is_not_waited_for(act: str):
    with Upstream(mode="hang") as upstream, pytest.raises(ProviderError) as caught:
        asyncio.run(ACTS[act](bedrock(upstream.url, SHORT)))
    assert (caught.value.code, len(upstream.requests) > 0) == ("timeout", True)


PLACES = {"http://127.0.0.1:1": "refused", "http://there-is-no-such-host.invalid": "dns"}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("place", PLACES)
def test_a_host_that_is_not_there_is_told(place: str, act: str):
    with pytest.raises(ProviderError) as caught:
        asyncio.run(ACTS[act](bedrock(place)))
    assert caught.value.code == PLACES[place]


@pytest.mark.parametrize("act", ACTS)
def test_the_guard_of_addresses_is_asked(act: str):
    with Upstream() as upstream:
        made = bedrock(upstream.url)
        guarded = type(made)(made.settings, EgressPolicy(private=False), PATIENT)
        with pytest.raises(ProviderError) as caught:
            asyncio.run(ACTS[act](guarded))
    assert (caught.value.code, upstream.requests) == ("blocked_address", [])


@pytest.mark.parametrize("mode", ["500", "close"])
def test_what_may_pass_is_tried_again_as_often_as_the_settings_say(mode: str):
    with Upstream(mode=mode) as upstream, pytest.raises(ProviderError):
        asyncio.run(chat(bedrock(upstream.url, Limits(), max_retries=1)))
    assert len(upstream.requests) == 2


def test_what_the_service_says_to_a_bad_request_is_kept_apart():
    refusal = {
        "__type": "ValidationException",
        "message": "The provided model identifier is invalid.",
    }
    with (
        Upstream(answers={PATH: (400, refusal)}) as upstream,
        pytest.raises(ProviderError) as caught,
    ):
        asyncio.run(chat(bedrock(upstream.url)))
    assert (caught.value.code, caught.value.said) == ("bad_request", refusal["message"])


# Streams


def frame(name: str, payload: Any, kind: str = "event") -> bytes:
    """One message of application/vnd.amazon.eventstream:
    smithy.io/2.0/aws/amazon-eventstream.html
    """
    given = {":message-type": kind, f":{kind}-type": name, ":content-type": "application/json"}
    head = b"".join(
        struct.pack(">B", len(key))
        + key.encode()
        + struct.pack(">BH", 7, len(text))
        + text.encode()
        for key, text in given.items()
    )
    body = json.dumps(payload).encode()
    prelude = struct.pack(">II", 16 + len(head) + len(body), len(head))
    prelude += struct.pack(">I", crc32(prelude))
    return prelude + head + body + struct.pack(">I", crc32(prelude + head + body))


def text_frame(text: str) -> bytes:
    return frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}})


END = frame("messageStop", {"stopReason": "end_turn"}) + frame(
    "metadata", {"usage": ANSWER["usage"], "metrics": {"latencyMs": 1}}
)


@contextmanager
def serving(events: Callable[[BaseHTTPRequestHandler], Iterator[bytes]]) -> Iterator[str]:
    """A server on 127.0.0.1 that streams what `events` yields, as it is yielded.

    Gives its address.
    """

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/vnd.amazon.eventstream")
            self.end_headers()
            with suppress(OSError):
                for piece in events(self):
                    self.wfile.write(piece)

    class Server(ThreadingHTTPServer):
        daemon_threads, block_on_close, request_queue_size = True, False, 200

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    ).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_piece_arrives_before_the_answer_has_ended():
    seen, waited = threading.Event(), []

    def events(_: Any) -> Iterator[bytes]:
        whole = text_frame("Good ")
        yield whole[:20]  # a network cuts where it likes
        yield whole[20:]
        waited.append(seen.wait(SECONDS))
        yield text_frame("day") + END

    async def read(made: Provider[Any]) -> list[Any]:
        chunks = []
        async for chunk in made.stream_chat(request_of()):
            chunks.append(chunk)
            seen.set()
        return chunks

    with serving(events) as url:
        chunks = asyncio.run(read(bedrock(url)))
    assert waited == [True]
    assert ([chunk.content for chunk in chunks], chunks[-1].usage.total_tokens) == (
        ["Good ", "day", "", ""],
        2,
    )


def left_alone(handler: BaseHTTPRequestHandler) -> bool:
    """Waits until the client closes the connection."""
    handler.connection.settimeout(SECONDS)
    try:
        return handler.connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_closing_a_stream_closes_its_connection_and_ends_its_thread():
    gone: list[bool] = []

    def events(handler: BaseHTTPRequestHandler) -> Iterator[bytes]:
        yield text_frame("Good ")
        gone.append(left_alone(handler))

    async def read_one(made: Provider[Any]) -> None:
        chunks = made.stream_chat(request_of())
        await anext(chunks)
        assert threads()
        await chunks.aclose()  # type: ignore[attr-defined]
        assert await asyncio.to_thread(within_seconds, lambda: gone and not threads())

    with serving(events) as url:
        asyncio.run(read_one(bedrock(url)))
    assert gone == [True]


@pytest.mark.parametrize("act", ACTS)
def test_a_caller_who_hangs_up_early_ends_the_request_at_once(act: str):
    async def hang_up(made: Provider[Any], upstream: Upstream) -> float:
        task = asyncio.create_task(ACTS[act](made))
        assert await asyncio.to_thread(within_seconds, lambda: upstream.requests)
        started = time.monotonic()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert await asyncio.to_thread(within_seconds, lambda: not threads())
        return time.monotonic() - started

    with Upstream(mode="hang") as upstream:
        assert asyncio.run(hang_up(bedrock(upstream.url), upstream)) < PATIENT.timeout / 2


BROKEN = {
    "throttlingException": ("rate_limited", 429),
    "modelStreamErrorException": ("error", 424),
    "internalServerException": ("error", 500),
    "serviceUnavailableException": ("error", 503),
    "validationException": ("bad_request", 400),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_exception_in_the_middle_of_a_stream_has_its_code(name: str):
    pieces = [text_frame("Good "), frame(name, {"message": "made up"}, "exception")]
    with serving(lambda _: iter(pieces)) as url, pytest.raises(ProviderError) as caught:
        asyncio.run(stream(bedrock(url)))
    assert (caught.value.code, caught.value.status) == BROKEN[name]
    assert caught.value.permanent is (name == "validationException")
    assert "HTTP" not in caught.value.message or name == "validationException"


ENDS = {
    "early": (text_frame("Good "), "error"),
    "torn": (text_frame("Good ")[:-3], "error"),
    "garbled": (b"<html>" * 99, "bad_response"),
}


@pytest.mark.parametrize("case", ENDS)
def test_a_stream_never_ends_in_silence(case: str):
    sent, code = ENDS[case]
    with serving(lambda _: iter([sent])) as url, pytest.raises(ProviderError) as caught:
        asyncio.run(stream(bedrock(url)))
    assert caught.value.code == code


def test_a_slow_caller_slows_the_service_down():
    sent: list[int] = []

    def events(_: Any) -> Iterator[bytes]:
        for number in range(1000):
            yield text_frame("x" * 100_000)
            sent.append(number)

    async def read_one(made: Provider[Any]) -> None:
        chunks = made.stream_chat(request_of())
        await anext(chunks)
        await asyncio.sleep(0.5)
        await chunks.aclose()  # type: ignore[attr-defined]

    with serving(events) as url:
        asyncio.run(read_one(bedrock(url)))
    assert 0 < len(sent) < 500  # what the sockets hold


def test_many_streams_run_at_once():
    many = 40
    together = threading.Barrier(many)

    def events(_: Any) -> Iterator[bytes]:
        together.wait(SECONDS)  # nobody is answered until everybody has asked
        yield text_frame("Hi") + END

    async def read_all(made: Provider[Any]) -> list[Any]:
        return await asyncio.gather(*(stream(made) for _ in range(many)))

    with serving(events) as url:
        assert [chunks[0].content for chunks in asyncio.run(read_all(bedrock(url)))] == [
            "Hi"
        ] * many


def test_a_closed_provider_keeps_no_connection():
    gone: list[bool] = []

    def events(handler: BaseHTTPRequestHandler) -> Iterator[bytes]:
        handler.close_connection = False
        yield text_frame("Hi") + END
        gone.append(left_alone(handler))

    async def use_and_close(made: Provider[Any]) -> None:
        chunks = made.stream_chat(request_of())
        await anext(chunks)
        await made.aclose()
        assert await asyncio.to_thread(within_seconds, lambda: gone)

    with serving(events) as url:
        asyncio.run(use_and_close(bedrock(url)))
    assert gone == [True]


@pytest.mark.parametrize(
    "count", [1e20, 8.5, "many", [1], -1, True, 10**30, float("nan"), None], ids=str
)
def test_an_odd_count_costs_no_answer(count: Any):
    answer = ANSWER | {"usage": {"inputTokens": 3, "outputTokens": count}}
    with Upstream(answers={PATH: (200, answer)}) as upstream:
        found = asyncio.run(chat(bedrock(upstream.url)))
    assert (found.content, found.usage.input_tokens) == ("Hi", 3)


def test_a_count_of_thousands_of_digits_costs_no_answer():
    answer = json.dumps(ANSWER | {"usage": {"inputTokens": 3, "outputTokens": "digits"}})
    long = answer.replace('"digits"', "9" * 5000).encode()
    with Upstream(answers={PATH: (200, long)}) as upstream:
        found = asyncio.run(chat(bedrock(upstream.url)))
    assert (found.content, found.usage.input_tokens) == ("Hi", 3)
