"""One provider with an invented field appears everywhere by itself; and so does a module dropped
into a copy of providers/.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from connections import runtime, services
from connections.management.commands.render_provider_docs import render
from connections.models import Connection
from providers.core.base import Capability, Model, Provider
from providers.core.chat import ChatRequest
from providers.core.results import ChatAnswer
from providers.core.settings import NetworkSettings, setting
from providers.core.types import ApiKey, HttpUrl

from .fakes import OLDER_KEY, SECRET, available
from .pages import entries, html, value_of, words
from .people import browser

ROOT = Path(__file__).parents[1]


class InventedSettings(NetworkSettings):
    """Somebody's own service."""

    where: HttpUrl = setting(title="Where it hums", description="Its address.", address=True)
    pass_phrase: ApiKey = setting(
        title="Pass phrase", description="Its secret.", environment="INVENTED_PHRASE"
    )
    wobble: int = setting(3, title="Wobble factor", description="How much it wobbles.", ge=1, le=5)


class Invented(Provider[InventedSettings]):
    """Registered by the fixture."""

    id, name, description = "invented", "Invented Service", "Hums."
    category, docs_url = "Humming things", "https://invented.example.com/docs"

    def list_models(self) -> list[Model]:
        return [Model(f"wobbly-{self.settings.wobble}", "Wobbly", frozenset({Capability.CHAT}))]

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        return ChatAnswer(request.model, "Hum.")


@pytest.fixture
def client(operator) -> Iterator[Client]:
    with available(Invented):
        yield browser(operator)


GIVEN = {"where": "https://invented.example.com", "pass_phrase": SECRET, "wobble": "4"}


@pytest.mark.django_db
def test_it_is_among_the_cards(client: Client):
    shown = words(client.get("/connections/add/"))
    assert "Humming things" in shown and "Invented Service" in shown and "Hums." in shown


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["Wobble factor", "How much it wobbles.", "Timeout"])
def test_its_fields_are_in_the_form(client: Client, text: str):
    assert text in words(client.get("/connections/add/invented/"))


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["$Invented:PassPhrase", "$Env:INVENTED_PHRASE"])
def test_its_references_are_suggested(client: Client, name: str):
    assert f'<option value="{name}">' in html(client.get("/connections/add/invented/"))


@pytest.mark.django_db
def test_its_secret_is_a_password_input_and_its_default_a_hint(client: Client):
    shown = html(client.get("/connections/add/invented/"))
    assert '<input type="password" name="settings-pass_phrase"' in shown
    assert (
        value_of(client.get("/connections/add/invented/"), "settings-wobble") is None
        and 'placeholder="3"' in shown
    )


@pytest.mark.django_db
def test_its_bounds_are_judged(client: Client):
    response = client.post("/connections/add/invented/", entries(GIVEN | {"wobble": "6"}))
    assert set(response.context["form"].errors) == {"settings-wobble"}


@pytest.mark.django_db
def test_it_is_saved_tested_shown_and_used(client: Client):
    client.post("/connections/add/invented/", entries(GIVEN, action="test-and-save"))
    row = Connection.objects.get()
    assert (row.settings, dict(row.credentials), row.last_check.success) == (
        {"where": GIVEN["where"], "wobble": 4},
        {"pass_phrase": SECRET},
        True,
    )
    assert services.list_models(row, actor=None)[0].id == "wobbly-4"
    shown = words(client.get(row.get_absolute_url()))
    assert "Wobble factor 4" in shown and "sk-*** stored encrypted" in shown and SECRET not in shown


@pytest.mark.django_db
def test_its_address_guards_its_secret(client: Client):
    client.post("/connections/add/invented/", entries(GIVEN))
    moved = GIVEN | {"where": "https://elsewhere.example.com", "pass_phrase": ""}
    response = client.post(
        f"{Connection.objects.get().get_absolute_url()}edit/", entries(moved, version="1")
    )
    assert "Enter the pass phrase again, because the where it hums changed." in words(response)


@pytest.mark.django_db
def test_its_names_may_be_referred_to(
    client: Client, administrator: User, monkeypatch: pytest.MonkeyPatch
):
    client = browser(administrator)  # who approves the host by saving
    monkeypatch.setenv("INVENTED_PHRASE", SECRET)
    monkeypatch.setenv("Invented__Wobble", "2")
    client.post(
        "/connections/add/invented/",
        entries(GIVEN | {"pass_phrase": "$Env:INVENTED_PHRASE", "wobble": "$Invented:Wobble"}),
    )
    used = runtime.resolved_settings(Connection.objects.get())
    assert (used.pass_phrase.get_secret_value(), used.wobble) == (SECRET, 2)


@pytest.mark.django_db
def test_it_can_be_filtered_for(client: Client):
    assert '<option value="invented">Invented Service</option>' in html(client.get("/connections/"))


@pytest.mark.django_db
def test_its_models_are_offered_to_profiles(client: Client):
    client.post("/connections/add/invented/", entries(GIVEN))
    response = client.post(
        "/profiles/add/chat/", {"connection": "production", "action": "fetch-models"}
    )
    assert "wobbly-4" in html(response)


def test_it_is_in_the_documents():
    with available(Invented):
        text = "\n".join(render(Invented))
    assert (
        "# Invented Service" in text
        and "| Wobble factor | `wobble` | `wobble` |" in text
        and "`$Env:INVENTED_PHRASE`" in text
    )


MODULE = """
from .core.base import Provider
from .core.registry import register
from .core.settings import ProviderSettings, setting

class DroppedSettings(ProviderSettings):
    fizz: str = setting("pop", title="Fizz level", description="How it fizzes.")

@register
class Dropped(Provider[DroppedSettings]):
    id, name, description = "dropped-in", "Dropped In", "Fizzes."
"""


COMMANDS = """
import django
from django.core.management import call_command
django.setup()
call_command("render_provider_docs")
call_command("makemigrations", check_changes=True, dry_run=True)
call_command("check", fail_level="WARNING")
"""


def test_a_module_dropped_into_the_folder_needs_no_other_change(tmp_path: Path):
    for folder in ("providers", "connections", "gateway", "backoffice", "templates", "static"):
        shutil.copytree(ROOT / folder, tmp_path / folder)  # with the bytecode that is there
    (tmp_path / "providers" / "dropped_in.py").write_text(MODULE)
    environment = {
        "SECRET_KEY": "of-one-test-only-0123456789abcdefgh",
        "FERNET_KEYS": OLDER_KEY,
        "PATH": "",
    }
    environment["DJANGO_SETTINGS_MODULE"] = "backoffice.settings"
    subprocess.run(
        [sys.executable, "-c", COMMANDS],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
    )
    page = tmp_path / "docs" / "providers" / "dropped-in.md"
    assert "| Fizz level | `fizz` |" in page.read_text()
