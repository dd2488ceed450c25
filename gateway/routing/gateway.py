"""What one worker process has of the gateway: the snapshot, the session, the recorder.

Bound to the event loop that starts it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from django.conf import settings

from connections import conf
from connections.services import Caller
from providers.core.errors import ProviderError

from ..core import limits
from ..core.config_cache import Plan, Snapshot
from ..core.errors import GatewayError, from_provider
from ..core.requests import Call, refuse_forbidden
from ..upstreams.passthrough import Upstream
from ..usage.recording import Recorder, Trace
from .fallback import Served, serve

NOT_ALLOWED = "You may not use profiles. Ask an administrator for a group that may."


class Worker:
    """Answers calls. `start` before, `stop` after: it writes what is left to write."""

    def __init__(self) -> None:
        self.snapshot = Snapshot()
        self.upstream = Upstream(conf.egress())
        self.recorder = Recorder(settings.GATEWAY_RECORD_TEXT)

    async def start(self) -> None:
        """Begins to listen for changes and to write usage."""
        await self.snapshot.start()
        await self.recorder.start()

    async def stop(self) -> None:
        """Writes what is left and closes every connection."""
        await self.recorder.stop()
        await self.snapshot.stop()
        await self.upstream.close()

    async def answer(self, call: Call) -> "Answered":
        """The answer to one call, of a stream its beginning.

        Raises GatewayError. Either way the usage is recorded when it ends.
        """
        trace = self.recorder.begin(call)
        try:
            if (
                not call.caller.may_use_profiles
            ):  # before the look-up: a refusal tells nothing about what exists
                raise GatewayError(403, "permission_denied", NOT_ALLOWED)
            plan = await self.snapshot.plan(call.profile_ref, call.capability)
            trace.step = plan.steps[0]
            refuse_stranger(call.caller, plan)
            refuse_forbidden(call, plan.profile)
            await limits.take(call.caller)
            served = await serve(call, plan, trace, self.snapshot, self.upstream)
        except GatewayError as error:
            self.recorder.take(trace, error.code)
            error.headers = served_by(trace)
            raise
        except asyncio.CancelledError:
            self.recorder.take(trace, "client_closed")
            raise
        except Exception:
            self.recorder.take(trace, "error")
            raise
        return Answered(self, served, trace)


def refuse_stranger(caller: Caller, plan: Plan) -> None:
    """Raises GatewayError 403 when the caller's token is limited to other profiles."""
    if caller.profile_ids is not None and plan.profile.id not in caller.profile_ids:
        raise GatewayError(
            403,
            "profile_not_allowed",
            f"This token may not use the profile {plan.profile.alias}.",
            "model",
        )


def served_by(trace: Trace) -> list[tuple[bytes, bytes]]:
    """The headers that tell who was asked, empty when nobody was."""
    if trace.step is None or not trace.attempts:
        return []
    step = trace.step
    found = {
        "profile": step.profile.alias,
        "connection": step.connection_alias,
        "attempts": str(trace.attempts),
    }
    return [(f"x-switchboard-{name}".encode(), value.encode()) for name, value in found.items()]


class Answered:
    """An answer on its way to the caller.

    The end of `whole` or `stream`, or `abandon`, records its usage, once.
    """

    def __init__(self, worker: Worker, served: Served, trace: Trace) -> None:
        self._worker, self._served, self._trace = worker, served, trace
        self._is_finished = False
        self.answer = served.answer
        self.headers = served_by(trace)
        if served.left_out:
            self.headers.append((b"x-switchboard-left-out", ", ".join(served.left_out).encode()))

    @property
    def wants_text(self) -> bool:
        """Whether the text of answers is recorded."""
        return self._worker.recorder.with_text

    def note(self, text: str | None) -> None:
        """Keeps a piece of the answer's text where texts are recorded."""
        if self.wants_text and text:
            self._trace.answer.append(text)

    @contextmanager
    def whole(self) -> Iterator[Any]:
        """Around putting a whole answer into the caller's format.

        Raises GatewayError when it turns out to be none.
        """
        try:
            yield self.answer
            self._finish("ok")
        except ProviderError as error:
            self._finish(error.code)
            refused = from_provider(error, self._served.client.secrets)
            refused.headers = self.headers
            raise refused from None
        finally:
            self._finish("error")

    def abandon(self) -> None:
        """Nobody listens any more. Nothing happens when the answer had ended already."""
        self._finish("client_closed")

    async def stream(
        self, pieces: AsyncIterator[bytes], broken: Callable[[GatewayError], bytes]
    ) -> AsyncIterator[bytes]:
        """The pieces of a stream. One that breaks ends with what `broken` makes of the error."""
        try:
            async for piece in pieces:
                self._trace.saw_chunk()
                yield piece
            self._finish("ok")
        except ProviderError as error:
            self._finish(error.code)
            yield broken(from_provider(error, self._served.client.secrets))
        finally:
            await pieces.aclose()  # type: ignore[attr-defined]
            self._finish("client_closed")

    def _finish(self, outcome: str) -> None:
        if not self._is_finished:
            self._is_finished = True
            self._trace.usage = self.answer.usage
            self._served.release()
            self._worker.recorder.take(self._trace, outcome)


_workers: dict[asyncio.AbstractEventLoop, Worker] = {}


async def start_worker() -> Worker:
    """Starts the worker of this event loop, when it serves for good."""
    loop = asyncio.get_running_loop()
    if loop not in _workers:
        _workers[loop] = Worker()
        await _workers[loop].start()
    return _workers[loop]


async def stop_worker() -> None:
    """Stops it."""
    worker = _workers.pop(asyncio.get_running_loop(), None)
    if worker is not None:
        await worker.stop()


@asynccontextmanager
async def this_worker() -> AsyncIterator[Worker]:
    """The worker of this event loop; where none was started (a server without lifespan's words),
    one for the length of the block.
    """
    known = _workers.get(asyncio.get_running_loop())
    worker = known or Worker()
    if known is None:
        await worker.start()
    try:
        yield worker
    finally:
        if known is None:
            await worker.stop()
