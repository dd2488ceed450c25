"""The gateway of one worker process: its configuration, its upstream session, its usage recorder.

It is bound to the event loop that starts it.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

from django.conf import settings

from connections import conf
from connections.runtime import StoredProfile
from providers.core.errors import ProviderError
from providers.core.results import Usage

from ..core.config_cache import ConfigCache
from ..core.errors import GatewayError, from_provider, text_for_record
from ..core.estimates import counted_by_service, divided, input_tokens, longest_answer
from ..core.limit_states import LimitState
from ..core.limits import LimitCounter, settled
from ..core.requests import GatewayRequest, refuse_forbidden
from ..core.sse import is_done
from ..upstreams.passthrough import Upstream
from ..usage.pending import PendingRecord
from ..usage.recording import Recorder
from ..usage.spans import note_answer, traces_text
from .fallback import TargetAnswer, answer_by_route
from .permitted import is_told, permitted_route

Given = TypeVar("Given")

NOT_ALLOWED = "You may not use profiles. Ask an administrator for a role that may."


class Gateway:
    """Answers requests. `start` before; `stop` after, which writes the usage that is left."""

    def __init__(self) -> None:
        self.config = ConfigCache()
        self.upstream = Upstream(conf.egress())
        self._limits = LimitCounter()
        self.recorder = Recorder(settings.GATEWAY_RECORD_TEXT, self._limits.settle)

    async def start(self) -> None:
        """Begins to listen for changes and to write usage."""
        await self.config.start()
        await self.recorder.start()

    async def stop(self) -> None:
        """Writes the usage that is left and closes every connection."""
        await self.recorder.stop()
        await self._limits.stop()
        await self.config.stop()
        await self.upstream.close()

    async def answer(self, request: GatewayRequest) -> "PendingResponse":
        """The response to a request, of a stream its beginning.

        Raises GatewayError. Either way the usage is recorded when the request ends.
        """
        record = self.recorder.begin(request)
        state: LimitState | None = None
        try:
            # Before the look-up, so that the refusal tells nothing about what exists.
            if not request.caller.may_use_profiles:
                raise GatewayError(403, "permission_denied", NOT_ALLOWED)
            route = await permitted_route(self.config, request)
            profile = record.asked = route.profile
            refuse_forbidden(request, profile)
            state = await self._count(request, profile, record)
            answer = await answer_by_route(request, route, record, self.config, self.upstream)
        except GatewayError as error:
            self.recorder.finish(record, error.outcome)
            await settled(record.settlement)
            error.headers += target_headers(record) + (state.headers(0) if state else [])
            raise
        except asyncio.CancelledError:
            self.recorder.finish(record, "client_closed")
            raise
        except Exception:
            self.recorder.finish(record, "error")
            raise
        return PendingResponse(self.recorder, answer, record, state)

    async def _count(
        self, request: GatewayRequest, profile: StoredProfile, record: PendingRecord
    ) -> LimitState | None:
        """Counts the request against the limits of its token and of the token's team. Returns where
        the token stands, or the team if only that is limited; None where neither is.

        Raises GatewayError 429.
        """
        caller, state = request.caller, None
        is_limited = caller.requests_per_minute is not None or caller.tokens_per_day is not None
        if not is_limited and caller.of_team is None:
            return None
        asked = input_tokens(request, profile)
        tokens = asked + longest_answer(request, profile)
        for one in (caller if is_limited else None, caller.of_team):
            if one is not None:
                found = await self._limits.count(one, asked, tokens)
                record.reservations += [found.reservation] if found.reservation else []
                state = state or found
        return state


def target_headers(record: PendingRecord) -> list[tuple[bytes, bytes]]:
    """The headers that tell which target was asked last, empty when none was; without the names
    of what the caller may not see.
    """
    last, caller = record.last, record.request.caller
    if last is None:
        return []
    found = [(b"x-switchboard-attempts", str(record.asked_count).encode())]
    if is_told(caller, last.target.owners):
        found.insert(0, (b"x-switchboard-connection", last.target.connection_alias.encode()))
    if is_told(caller, last.target.profile_owners):
        found.insert(0, (b"x-switchboard-profile", last.target.profile.alias.encode()))
    return found


class PendingResponse:
    """A response on its way to the caller.

    The end of `given` or `stream`, or `abandon`, records its usage and gives the provider back,
    once. A caller gets the end of an answer when its tokens are counted.
    """

    def __init__(
        self,
        recorder: Recorder,
        answer: TargetAnswer,
        record: PendingRecord,
        state: LimitState | None,
    ) -> None:
        self._recorder = recorder
        self._pooled = answer.pooled
        self._record = record
        self._is_finished = False
        self.answer = answer.answer
        self.headers = target_headers(record)
        if answer.left_out:
            self.headers.append((b"x-switchboard-left-out", ", ".join(answer.left_out).encode()))
        if state is not None:
            if not record.request.is_stream:
                record.usage = self._used()
            self.headers += state.headers(record.usage.total_tokens if record.usage else None)

    @property
    def records_text(self) -> bool:
        """True where the text of answers is recorded, or traced."""
        return self._recorder.with_text or traces_text(self._record)

    def record_text(self, text: str | None) -> None:
        """Keeps a piece of the answer's text where texts are recorded."""
        if self.records_text and text:
            self._record.answer.append(text)

    async def given(self, put: Callable[[Any], Given]) -> Given:
        """What `put` makes of the whole answer, in the caller's format.

        Raises GatewayError when it finds that the answer is malformed.
        """
        try:
            found = put(self.answer)
            self._finish("ok")
        except ProviderError as error:
            refused = self._fail(error)
            refused.headers += self.headers
            raise refused from None
        finally:
            self._finish("error")
            await settled(self._record.settlement)
        return found

    def abandon(self) -> None:
        """Ends a response that nobody listens to. Nothing happens when it has ended already."""
        self._finish("client_closed")

    async def stream(
        self, pieces: AsyncGenerator[bytes, None], broken: Callable[[GatewayError], bytes]
    ) -> AsyncGenerator[bytes, None]:
        """The pieces of a stream. One that breaks ends with the piece that `broken` makes of the
        error.
        """
        try:
            async for piece in pieces:
                self._record.mark_first_chunk()
                if self._record.reservations and is_done(piece):
                    await self._end()  # clients read no further
                yield piece
            await self._end()
        except ProviderError as error:
            last = broken(self._fail(error))
            await settled(self._record.settlement)
            yield last
        finally:
            await pieces.aclose()
            self._finish("client_closed")

    def _used(self) -> Usage:
        """The tokens of the call: as the service told them, else estimated.

        A stream that was cut has told little or nothing; what was sent of it counts.
        """
        answer, record, is_whole = self.answer, self._record, self._is_whole()
        if is_whole and (counted := counted_by_service(answer)):
            return counted
        assert record.asked is not None  # noqa: S101 an answer has a profile
        asked, told = input_tokens(record.request, record.asked), answer.usage or Usage()
        if told.is_estimated:
            told = divided(told, asked, answer.counted)
            if is_whole:
                return told
        of_cache = (told.cached_tokens or 0) + (told.cache_write_tokens or 0)
        return replace(
            told,
            input_tokens=told.input_tokens or max(of_cache, asked),
            output_tokens=max(told.output_tokens, answer.counted),
            is_estimated=True,
        )

    def _is_whole(self) -> bool:
        """False for a stream that was cut, and for one that told its usage before its text: Claude
        begins with one token of output, and may never tell another number.
        """
        is_stream, answer = self._record.request.is_stream, self.answer
        return not is_stream or (answer.is_finished and not answer.is_usage_old)

    async def _end(self) -> None:
        self._finish("ok")
        await settled(self._record.settlement)

    def _fail(self, error: ProviderError) -> GatewayError:
        """Ends a response whose service failed. Returns the refusal."""
        attempt, secrets = self._record.attempts[-1], self._pooled.secrets
        refused = from_provider(error, attempt.target.profile.model, secrets)
        text = text_for_record(error, refused, secrets)
        attempt.fail(error.code, text, error.status, is_about_request=error.is_about_request)
        self._finish(error.code)
        return refused

    def _finish(self, outcome: str) -> None:
        if not self._is_finished:
            self._is_finished = True
            self._record.usage = self._record.usage or self._used()
            note_answer(self._record, self.answer)
            self._pooled.release()
            self._recorder.finish(self._record, outcome)


_gateways: dict[asyncio.AbstractEventLoop, Gateway] = {}


async def start_gateway() -> Gateway:
    """The gateway of this event loop, which is started by the first call and runs until
    `stop_gateway`.
    """
    loop = asyncio.get_running_loop()
    if loop not in _gateways:
        _gateways[loop] = Gateway()
        await _gateways[loop].start()
    return _gateways[loop]


def running_gateway() -> Gateway | None:
    """The gateway of this event loop, None where none was started."""
    return _gateways.get(asyncio.get_running_loop())


async def stop_gateway() -> None:
    """Stops the gateway of this event loop, if it was started."""
    gateway = _gateways.pop(asyncio.get_running_loop(), None)
    if gateway is not None:
        await gateway.stop()


def recorder_troubles() -> list[str]:
    """What is wrong with the writing of usage records in this process, a sentence each."""
    return [text for one in [*_gateways.values()] if (text := one.recorder.trouble)]


@asynccontextmanager
async def current_gateway() -> AsyncIterator[Gateway]:
    """The gateway of this event loop. Where none was started, as in a server that sends no
    lifespan events, one that runs for the length of the block.
    """
    known = _gateways.get(asyncio.get_running_loop())
    gateway = known or Gateway()
    if known is None:
        await gateway.start()
    try:
        yield gateway
    finally:
        if known is None:
            await gateway.stop()
