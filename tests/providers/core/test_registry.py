"""Which providers there are."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from providers.core import registry
from providers.core.base import Capability, Provider
from providers.core.registry import (
    UnknownProvider,
    all_providers,
    get_provider,
    register,
    registered,
)
from providers.core.settings import ProviderSettings, setting
from tests.upstreams import ROOT


class InventedSettings(ProviderSettings):
    """One setting."""

    word: str = setting("hello", title="Word", description="A word.")


class Invented(Provider[InventedSettings]):
    """Registered by single tests."""

    id, name, capabilities = "invented", "Invented", (Capability.CHAT,)


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

    with pytest.raises(ValueError, match="no provider id"):
        register(Bad)


def test_a_provider_without_settings_is_told_what_to_write():
    class Bare(Provider):
        id, name = "bare", "Bare"

    with pytest.raises(TypeError, match="names no settings class"):
        register(Bare)


def test_a_module_dropped_into_the_folder_is_a_provider(tmp_path: Path):
    (tmp_path / "brand_new.py").write_text(NEW_MODULE)
    code = (
        "import sys, providers; providers.__path__.append(sys.argv[1]); "
        "from providers.core.registry import *; get_provider('brand-new')"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=True)


def test_a_provider_of_another_package_comes_by_entry_point(monkeypatch: pytest.MonkeyPatch):
    point = EntryPoint(
        "invented", "tests.providers.core.test_registry:Invented", registry.ENTRY_POINT_GROUP
    )
    assert registry.ENTRY_POINT_GROUP == "switchboard.providers"
    assert point.load() is Invented


def test_a_broken_package_is_logged_and_the_others_stay(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    broken = EntryPoint("broken", "no_such_package_here:Broken", registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [broken])
    registry._discover.__wrapped__()
    assert "broken" in caplog.text and get_provider("openai")
