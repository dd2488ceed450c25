"""Which providers there are."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from providers.core import registry
from providers.core.base import Capability, Provider
from providers.core.chat import ChatRequest, EmbeddingRequest
from providers.core.messages import FunctionCall, ToolCall
from providers.core.registry import (
    UnknownProvider,
    all_providers,
    get_provider,
    register,
    registered,
)
from providers.core.results import (
    ChatAnswer,
    ChatChunk,
    FinishReason,
    ToolCallDelta,
    Usage,
)
from providers.core.settings import ProviderSettings, setting
from tests.upstreams import ROOT


class InventedSettings(ProviderSettings):
    """One setting."""

    word: str = setting("hello", title="Word", description="A word.")


class Invented(Provider[InventedSettings]):
    """Registered by single tests."""

    id, name = "invented", "Invented"

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        return ChatAnswer(
            request.model,
            self.settings.word,
            (ToolCall(id="1", function=FunctionCall(name="f", arguments="{}"), mark="kept"),),
            FinishReason.TOOL_CALLS,
            Usage(2, 1),
            refusal=" Not quite.",
        )


NEW_MODULE = """
from providers.core.base import Provider
from providers.core.settings import ProviderSettings
from providers.core.registry import register
class NewSettings(ProviderSettings): ...
@register
class BrandNew(Provider[NewSettings]):
    id, name = "brand-new", "Brand New"
"""


def test_the_promised_providers_are_there():
    known = {provider.id for provider in all_providers()}
    promised = {
        "openai",
        "azure-openai",
        "microsoft-foundry",
        "anthropic",
        "google",
        "amazon",
        "mistral",
        "ollama",
        "openai-compatible",
    }
    services = {
        "azure-ai-search",
        "azure-ai-services",
        "azure-content-safety",
        "azure-document-intelligence",
        "serpapi",
        "qdrant",
        "weaviate",
    }
    assert promised | services | {"serverless", "custom", "echo"} <= known


def test_providers_come_by_name():
    names = [provider.name.lower() for provider in all_providers()]
    assert names == sorted(names)


def test_a_provider_is_found_by_its_id():
    assert get_provider("openai").name == "OpenAI"


def test_an_unknown_provider_is_named():
    with pytest.raises(UnknownProvider, match="no provider 'nobody'") as caught:
        get_provider("nobody")
    assert caught.value.provider_id == "nobody"


def test_a_provider_is_registered_for_a_block_only():
    with registered(Invented):
        assert get_provider("invented") is Invented
    with pytest.raises(UnknownProvider):
        get_provider("invented")


def test_the_settings_class_is_read_off_the_base():
    with registered(Invented):
        assert Invented.Settings is InventedSettings


def test_a_section_is_the_name_of_the_class():
    assert (
        Invented.section == "Invented"
        and get_provider("openai-compatible").section == "OpenAICompatible"
    )


def test_sections_differ():
    sections = [provider.section.lower() for provider in all_providers()]
    assert len(sections) == len(set(sections))


def test_two_providers_with_one_id_are_refused():
    class Second(Provider[InventedSettings]):
        id, name = "invented", "Second"

    with registered(Invented), pytest.raises(ValueError, match="Two providers"):
        register(Second)


@pytest.mark.parametrize("bad", ["Open AI", "openAI", "-a", "a" * 101, ""])
def test_an_id_is_lower_case_with_separators_inside(bad: str):
    class Bad(Provider[InventedSettings]):
        id, name = bad, "Bad"

    with pytest.raises(ValueError, match="not a provider id"):
        register(Bad)


def test_a_provider_without_settings_is_told_what_to_write():
    class Bare(Provider):
        id, name = "bare", "Bare"

    with pytest.raises(TypeError, match="does not name its settings class"):
        register(Bare)


def test_a_module_dropped_into_the_folder_is_a_provider(tmp_path: Path):
    (tmp_path / "brand_new.py").write_text(NEW_MODULE)
    code = (
        "import sys, providers; providers.__path__.append(sys.argv[1]); "
        "from providers.core.registry import *; get_provider('brand-new')"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=True)


# What a provider can do


async def embed(provider: Provider, request: EmbeddingRequest) -> None: ...


async def stream_chat(provider: Provider, request: ChatRequest) -> None: ...


def made(**attributes: Any) -> type[Provider]:
    return type("Made", (Invented,), {"id": "made", "Settings": InventedSettings, **attributes})


def test_what_a_provider_can_do_is_read_off_its_methods():
    assert Invented.capabilities == (Capability.CHAT,)
    assert made(embed=embed).capabilities == (Capability.CHAT, Capability.EMBEDDING)


def test_what_a_provider_inherits_and_gives_back_it_cannot_do():
    assert made(chat=Provider.chat).capabilities == ()


def test_a_provider_that_chats_only_streams_its_whole_answer_as_one_piece():
    async def pieces() -> list[ChatChunk]:
        request = ChatRequest(model="m", messages=[{"role": "user", "content": "Hi"}], stream=True)
        return [one async for one in Invented(InventedSettings()).stream_chat(request)]

    call = ToolCallDelta(0, "1", "f", "{}", {"mark": "kept"})
    assert asyncio.run(pieces()) == [
        ChatChunk("hello Not quite.", (call,), FinishReason.TOOL_CALLS, Usage(2, 1), "m")
    ]


def test_a_chat_behind_a_stream_is_not_asked_to_stream():
    asked: list[ChatRequest] = []

    async def chat(provider: Provider, request: ChatRequest) -> ChatAnswer:
        asked.append(request)
        return ChatAnswer(request.model, "hello")

    async def listen() -> None:
        given = {"messages": [{"role": "user", "content": "Hi"}], "stream": True}
        request = ChatRequest.model_validate({**given, "stream_options": {"include_usage": True}})
        async for _ in made(chat=chat)(InventedSettings()).stream_chat(request):
            pass

    asyncio.run(listen())
    assert set(asked[0].body()) == {"messages"}


UNTRUE = {
    "chat": ({"chat": Provider.chat, "capabilities": (Capability.CHAT,)}, "Made declares Chat"),
    "embed": ({"capabilities": tuple(Capability)}, r"Made declares Embedding, .* embed\(\)"),
    "unknown": ({"capabilities": (Capability.CHAT, "Image")}, "declares Image, but nothing can"),
    "stream": (
        {"chat": Provider.chat, "stream_chat": stream_chat},
        r"Made implements stream_chat\(\) for Chat, but not chat\(\)",
    ),
    "less": (
        {"embed": embed, "capabilities": (Capability.CHAT,)},
        r"implements embed\(\) for Embedding, .* embed = Provider.embed",
    ),
}


@pytest.mark.parametrize("untrue", UNTRUE)
def test_a_provider_that_says_of_itself_what_is_not_so_is_refused(untrue: str):
    attributes, sentence = UNTRUE[untrue]
    with pytest.raises(ValueError, match=sentence):
        register(made(**attributes))
    with pytest.raises(UnknownProvider):
        get_provider("made")


def test_a_claim_is_refused_in_a_class_that_inherits_it():
    boasting = made(chat=Provider.chat, capabilities=(Capability.CHAT,))
    with pytest.raises(ValueError, match="Heir declares Chat"):
        register(type("Heir", (boasting,), {}))


def test_a_true_claim_is_taken():
    with registered(made(capabilities=(Capability.CHAT,))):
        assert get_provider("made").capabilities == (Capability.CHAT,)


def test_threads_that_begin_at_once_find_the_same_providers(monkeypatch: pytest.MonkeyPatch):
    """The first requests of a worker come together, and each asks for a provider."""
    real, calls = registry.shipped_providers, []

    def slow() -> list[type[Provider[Any]]]:
        calls.append(threading.get_ident())
        time.sleep(0.05)
        return real.__wrapped__()  # new classes each time, as where two threads read the files

    monkeypatch.setattr(registry, "shipped_providers", slow)
    monkeypatch.setattr(registry, "_discovery", "")
    monkeypatch.setattr(registry, "_registered", {})
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: get_provider("elasticsearch"), range(8)))
    assert len(calls) == 1 and len(set(found)) == 1


def test_a_package_may_ask_for_providers_while_it_is_loaded(monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    monkeypatch.setattr(registry, "_find_providers", lambda: asked.append(len(all_providers())))
    monkeypatch.setattr(registry, "_discovery", "")
    assert all_providers() and len(asked) == 1


def test_a_discovery_that_failed_is_begun_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(registry, "_discovery", "")
    monkeypatch.setattr(registry, "shipped_providers", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        all_providers()
    monkeypatch.undo()
    assert all_providers()


# Of other packages


def discovered(monkeypatch: pytest.MonkeyPatch, module: str, attribute: str) -> None:
    """Looks for providers again, with an entry point of another package among them."""
    point = EntryPoint("acme", f"{module}:{attribute}", "switchboard.providers")
    points = {"switchboard.providers": [point]}
    monkeypatch.setattr(registry, "entry_points", lambda group: points[group])
    registry._find_providers()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Another package with this text, installed for one test."""
    monkeypatch.syspath_prepend(tmp_path)
    yield (tmp_path / "switchboard_acme.py").write_text
    sys.modules.pop("switchboard_acme", None)
    registry._registered.pop("brand-new", None)


def test_a_provider_of_another_package_comes_by_entry_point(
    monkeypatch: pytest.MonkeyPatch, package: Callable[[str], None]
):
    package(NEW_MODULE)
    discovered(monkeypatch, "switchboard_acme", "BrandNew")
    assert get_provider("brand-new").name == "Brand New"


def test_a_package_that_declares_what_it_does_not_do_is_left_out_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    package: Callable[[str], None],
):
    package(f"{NEW_MODULE}    capabilities = ('Chat',)\n")
    discovered(monkeypatch, "switchboard_acme", "BrandNew")
    assert (
        "acme cannot be loaded: BrandNew declares Chat, but does not implement chat()"
        in (caplog.messages[0])
    )
    with pytest.raises(UnknownProvider):
        get_provider("brand-new")


def test_a_broken_package_is_logged_and_the_others_stay(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    discovered(monkeypatch, "no_such_package_here", "Broken")
    assert "no_such_package_here" in caplog.text and get_provider("openai")
