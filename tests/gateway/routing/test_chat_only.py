"""A provider that somebody made up, which chats and does nothing else, behind the gateway."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.models import UsageRecord
from providers.core.base import Provider
from providers.core.chat import ChatRequest
from providers.core.results import ChatAnswer, FinishReason, Usage
from providers.core.settings import ProviderSettings
from tests.connections.api.calls import Api
from tests.fakes import available, connect, profile_of
from tests.people import browser

pytestmark = pytest.mark.django_db(transaction=True)  # the gateway reads in threads of its own
HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


class MadeUpSettings(ProviderSettings):
    """None."""


class MadeUp(Provider[MadeUpSettings]):
    """Knows one answer, and says it whole."""

    id, name = "made-up", "Made Up"

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        self.refuse_unless(request)
        return ChatAnswer("m-1", "Hum, hum.", (), FinishReason.LENGTH, Usage(1, 2))


@pytest.fixture
def api(operator: Any) -> Iterator[Api]:
    with available(MadeUp):
        profile_of(connect("made-up", settings={}), name="Hum")
        yield Api(client=browser(operator))


def test_its_stream_is_its_answer_in_one_piece(api: Api):
    answer = api.post("/chat/hum/stream", HELLO | {"streamOptions": {"include_usage": True}})
    assert answer.getvalue().decode().split("\n\n") == [
        'data: {"content":"Hum, hum."}',
        'data: {"finishReason":"length","usage":'
        '{"inputTokens":1,"outputTokens":2,"totalTokens":3}}',
        "data: [DONE]",
        "",
    ]


def test_the_cost_of_its_stream_is_recorded(api: Api):
    api.post("/chat/hum/stream", HELLO).getvalue()
    record = UsageRecord.objects.get()
    assert (record.outcome, record.input_tokens, record.output_tokens) == ("ok", 1, 2)


def test_what_it_refuses_is_refused_before_its_stream_begins(api: Api):
    answer = api.post("/chat/hum/stream", HELLO | {"maxTokens": 5})
    assert (answer.status_code, answer.json()["code"]) == (400, "unsupported")
