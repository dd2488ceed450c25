"""One rule for values, and one for where secrets go, on every surface that takes them."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from connections import services
from connections.models import Connection, HostApproval
from connections.packages import services as package_services
from connections.types.services import install_type
from tests.connections.api.calls import MERGE, Api
from tests.fakes import SECRET, connect
from tests.pages import HTMX, entries, html, words
from tests.people import browser

pytestmark = pytest.mark.django_db
BAD = "changeme"
ELSEWHERE = "https://elsewhere.example/v1"
PASSPHRASE = "correct horse battery"
Surface = Callable[[Any, Connection, dict[str, Any]], str]  # who, a row, settings: what is said
Command = Callable[[Path], str]  # a folder: what is said


def page(address: str, headers: dict[str, str] | None = None, **more: str) -> Surface:
    """A form, posted by this person; `more`: other entries."""

    def post(user: Any, row: Connection, settings: dict[str, Any]) -> str:
        given = entries(settings, version=row.version, **more)
        return words(browser(user).post(address.format(row.pk), given, headers=headers))

    return post


def api(method: str, path: str, kind: str = "application/json", **body: Any) -> Surface:
    """An operation of the API, called with this person's session."""

    def call(user: Any, row: Connection, settings: dict[str, Any]) -> str:
        sent = {"apiKey": settings["api_key"]}
        sent |= {"baseUrl": settings["base_url"]} if "base_url" in settings else {}
        caller = Api(client=browser(user))
        answer = caller(
            method, path.format(row.alias), body | {"settings": sent}, kind, if_match="*"
        )
        return html(answer)

    return call


def package(user: Any, row: Connection, settings: dict[str, Any]) -> str:
    """The import of a package that somebody made elsewhere, secrets sealed in it."""
    plain = {name: value for name, value in settings.items() if name != "api_key"}
    is_reference = settings["api_key"].startswith("$")
    row.settings = settings if is_reference else plain
    row.credentials = None if is_reference else {"api_key": settings["api_key"]}
    row.save()
    content = package_services.export_package([row], [], actor=None, passphrase=PASSPHRASE)
    row.delete()
    HostApproval.objects.all().delete()
    data = {"file": io.BytesIO(content), "passphrase": PASSPHRASE}
    body = encode_multipart(BOUNDARY, data)
    sent = Api(client=browser(user)).post("/packages/import", body, content_type=MULTIPART_CONTENT)
    return html(sent)


def command(*arguments: str, file: str = "", name: str = "mine.yaml") -> Command:
    """`manage.py connection`, with a file in the folder."""

    def run(folder: Path) -> str:
        (folder / name).write_text(file)
        given = [one.format(folder=folder, file=folder / name) for one in arguments]
        out = io.StringIO()
        try:
            call_command("connection", *given, stdout=out, stderr=out)
        except CommandError as error:
            return f"{out.getvalue()} {error}"
        return out.getvalue()

    return run


SURFACES: dict[str, Surface] = {
    "page, add": page("/connections/add/fake/"),
    "page, add in a dialog": page("/connections/add/fake/?in=dialog&accepts=Chat", headers=HTMX),
    "page, edit": page("/connections/{}/edit/"),
    "page, test": page("/connections/add/fake/", action="test"),
    "page, test of a change": page("/connections/{}/edit/", action="test"),
    "API, POST": api("POST", "/connections", name="New", alias="mine", providerId="fake"),
    "API, PUT": api("PUT", "/connections/{}", name="Production", isActive=True, tags=[]),
    "API, PATCH": api("PATCH", "/connections/{}", MERGE),
    "API, test": api("POST", "/connections/test", providerId="fake"),
    "package": package,
}
YAML = f"name: mine\ntype: open_ai\napi_key: {BAD}\n"
COMMANDS: dict[str, Command] = {
    "create": command("create", "-f", "{file}", file=YAML),
    "create by --set": command(
        "create", "-f", "{file}", "--set", f"api_key={BAD}", file=YAML.replace(BAD, SECRET)
    ),
    "apply": command("apply", "-f", "{folder}", file=YAML),
    "apply of a .env file": command(
        "apply", "-f", "{folder}", file=f"KEY={BAD}\n", name="prod.env"
    ),
    "create of a .env file": command(
        "create", "-f", "{file}", "-n", "x", file=f"KEY={BAD}\n", name=".env"
    ),
}


@pytest.fixture
def row(fake: Any) -> Connection:
    return connect(settings={"api_key": SECRET})


def stored() -> list[str]:
    """Every key that is stored."""
    return [str((one.credentials or {}).get("api_key")) for one in Connection.objects.all()]


@pytest.mark.parametrize("name", SURFACES)
def test_a_placeholder_is_refused_as_a_key(operator: Any, row: Connection, name: str):
    said = SURFACES[name](operator, row, {"api_key": BAD})
    assert "is a placeholder" in said
    assert stored() == ([] if name == "package" else [SECRET])


@pytest.mark.parametrize("name", COMMANDS)
def test_a_placeholder_is_refused_by_commands(row: Connection, tmp_path: Path, name: str):
    said = COMMANDS[name](tmp_path)
    assert "placeholder" in said and stored() == [SECRET]


def test_a_type_has_no_secret_to_begin_with(administrator: Any):
    document = f"""
key: teams
version: 1
label: Teams
fields: [{{key: token, kind: secret, default: {BAD}}}]
base_url: https://acme.example
allowed_hosts: [acme.example]
auth: {{use: bearer, token: "{{token}}"}}
"""
    with pytest.raises(services.Invalid, match="A secret has no default"):
        install_type(document, actor=administrator)


@pytest.mark.parametrize("name", SURFACES)
def test_an_operator_asks_for_the_host_of_a_referenced_secret(
    operator: Any, row: Connection, settings: Any, name: str
):
    settings.CONNECTIONS_CONFIG = {"TeamB": {"ApiKey": "sk-Team_B_31a9c0de77"}}
    SURFACES[name](operator, row, {"api_key": "$TeamB:ApiKey", "base_url": ELSEWHERE})
    asked = HostApproval.objects.get()
    found = (asked.section, asked.host, asked.state, asked.requested_by)
    assert found == ("teamb", "https://elsewhere.example", "requested", operator)
