"""Secrets are saved, and then searched for wherever something can be read.

A surface is a function that takes the stage and yields (where, text); `@surface` adds it. Literals
are stored encrypted, one more secret is only reachable through a reference. Log records are caught
at DEBUG during each surface.
"""

import base64
import json
import logging
import re
import subprocess
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection as database
from django.test import Client, override_settings
from django.urls import URLPattern, get_resolver
from django.urls.converters import UUIDConverter
from django.utils import timezone

from backoffice.documents.index import groups
from connections import conf, display, runtime, selectors, services
from connections.audit.services import sentence
from connections.health.services import Call, health, note_calls
from connections.models import (
    AuditEvent,
    Connection,
    KeyReplacement,
    PlannedCheck,
    Profile,
    RowVersion,
    SecretFingerprints,
    UndoStep,
    VersionMark,
)
from connections.promptflow.services import create_reveal_token
from connections.schedule.services.planning import Planner
from gateway.attention.lines import lines
from gateway.attention.services import attention
from gateway.models import NoticeDelivery, NoticeTarget
from gateway.notices import services as notices
from providers.core.errors import ProviderError

from .fakes import connect, profile_of, reload
from .httpserver import Answer, HttpServer
from .pages import HTMX, entries, rows
from .people import browser
from .upstreams import Upstream

pytestmark = pytest.mark.django_db
LITERAL, REFERENCED, HEADER, TYPED, ENTRY = (
    "sk-literal-4b8d1f7730",
    "sk-referenced-92c6e05a1d",
    "header-secret-c7710e5ab2",
    "sk-typed-only-5d20f9e8c3",
    "entry-of-a-map-3f01c8d7b4",
)
HOOK, SIGNING = "hook-path-61e0c7f5a9", "d2ViaG9vay1zaWduaW5nLWtleS0w"  # of a target of notices
SECRETS = (LITERAL, REFERENCED, HEADER, TYPED, ENTRY, HOOK, SIGNING)
Found = Iterator[tuple[str, str]]


@dataclass
class Stage:
    """Rows with secrets in every place, a service that answers with what it was sent, and an
    administrator's browser.
    """

    upstream: Upstream
    client: Client
    rows: dict[str, Connection] = field(default_factory=dict)
    profile: Any = None
    planner: Planner = field(default_factory=Planner)
    target: Any = None

    def page(self, kind: str, act: str = "") -> str:
        return f"/connections/{self.rows[kind].pk}/{f'{act}/' if act else ''}"

    @property
    def typed(self) -> dict[str, Any]:
        """What somebody types into the form: good, but for one setting."""
        return entries(
            {"api_key": TYPED, "base_url": self.upstream.url, "timeout": "never"}, name="Typed"
        )


@pytest.fixture
def stage(administrator, settings) -> Iterator[Stage]:
    settings.CONNECTIONS_CONFIG = {"OpenAI": {"ApiKey": REFERENCED}}
    with Upstream(keys={LITERAL, REFERENCED, TYPED}) as upstream:
        made = Stage(upstream, browser(administrator))
        made.client.raise_request_exception = False
        made.rows["literal"] = connect(
            "openai", name="Literal", settings={"api_key": LITERAL, "base_url": upstream.url}
        )
        made.rows["reference"] = connect(
            "openai",
            name="Reference",
            settings={"api_key": "$OpenAI:ApiKey", "base_url": upstream.url},
        )
        given = {
            "api_key": LITERAL,
            "api_key_header": "x-my-key",
            "extra_headers": f"X-Secret: {HEADER}",
            "base_url": upstream.url,
        }
        entries_given = {
            "configs": {"region": "eu"},
            "secrets": {"api-key": ENTRY, "token": "$OpenAI:ApiKey"},
        }
        made.rows["maps"] = connect("custom", name="Maps", settings=entries_given)
        made.rows["headers"] = connect("openai-compatible", name="Headers", settings=given)
        services.update_connection(made.rows["literal"], actor=administrator, name="Literal 2")
        made.profile = profile_of(made.rows["literal"])
        made.planner.look(0.0)
        made.target = notice_target()
        yield made


def notice_target() -> NoticeTarget:
    """A target whose address and key are secrets, and that did not take the last message."""
    row, _ = notices.create_target("webhook", f"http://127.0.0.1:9/{HOOK}", actor=None, name="Hook")
    row.credentials = {"address": f"http://127.0.0.1:9/{HOOK}", "secret": f"whsec_{SIGNING}"}
    row.save()
    return row


SURFACES: dict[str, Callable[[Stage], Found]] = {}


def surface(function: Callable[[Stage], Found]) -> Callable[[Stage], Found]:
    """Adds a place to search."""
    SURFACES[function.__name__.replace("_", " ")] = function
    return function


@surface
def the_plan_of_checks(stage: Stage) -> Found:
    """Fingerprints of values, as rows and in the memory of the process that runs what is due."""
    yield "rows", repr(list(PlannedCheck.objects.values()))
    yield "memory", repr([vars(stage.planner), vars(stage.planner._fingerprints)])


@surface
def the_way_back(stage: Stage) -> Found:
    """The note of a replaced secret, what tells of it, and the answer that brings it back."""
    edit, given = stage.page("literal", "edit"), {"api_key": TYPED, "base_url": stage.upstream.url}
    yield of_answer("page", stage.client.post(edit, entries(given), follow=True))
    yield "rows", repr(list(UndoStep.objects.values()))
    yield of_answer("told", stage.client.get("/api/v1/undo"))
    yield of_answer("undone", stage.client.post("/api/v1/undo", content_type="application/json"))
    stage.client.post(stage.page("maps", "delete"))
    yield "deleted", repr(list(UndoStep.objects.values()))


@surface
def notices_and_their_targets(stage: Stage) -> Found:
    """Pages, API, rows and words of notices, while the target is tried and away."""
    note_calls([Call(stage.rows["literal"].pk, 2, "m", timezone.now(), "unauthorized")])
    notices.look(100.0)
    notices.send_due(101.0)
    notices.wait_for_senders(20)
    pk = stage.target.pk
    for end in ("", "targets/", f"targets/{pk}/", f"targets/{pk}/delete/", "targets/add/"):
        yield of_answer(end, stage.client.get(f"/notices/{end}"))
    yield of_answer("test", stage.client.post(f"/notices/targets/{pk}/test/", follow=True))
    typed = {"name": "X", "kind": "webhook", "address": f"http://127.0.0.1:9/{HOOK}"}
    yield of_answer("typed", stage.client.post("/notices/targets/add/", typed))
    for path in ("notices", "notice-targets", f"notice-targets/{pk}"):
        yield of_answer(path, stage.client.get(f"/api/v1/{path}"))
    row = NoticeTarget.objects.get(pk=pk)
    yield "row", f"{row!r} {row} {vars(row)} {row.credentials}"
    yield "rows", repr([*NoticeTarget.objects.values(), *NoticeDelivery.objects.values()])
    yield "dump", dumped()


def dumped() -> str:
    """What `dumpdata` writes of targets."""
    out = StringIO()
    call_command("dumpdata", "gateway.noticetarget", stdout=out)
    return out.getvalue()


@surface
def versions_and_what_was_deleted(stage: Stage) -> Found:
    """Pages, API, rows and words of versions: shown, compared, restored, deleted and back."""
    given = {"api_key": TYPED, "base_url": stage.upstream.url}
    stage.client.post(stage.page("literal", "edit"), entries(given))
    for kind, row in stage.rows.items():
        page, name = stage.page(kind, "versions"), f"/api/v1/connections/{row.alias}/versions"
        paths = (page, f"{page}1/", name, f"{name}/1", f"{name}/1/compare/{reload(row).version}")
        for path in paths:
            yield of_answer(path, stage.client.get(path))
        for act in ({"action": "restore"}, {"action": "restore", "secrets": "yes"}):
            yield of_answer("restored", stage.client.post(f"{page}1/", act, follow=True))
        sent = json.dumps({"withSecrets": True})
        done = stage.client.post(f"{name}/1/restore", sent, "application/json")
        yield of_answer("restored by the API", done)
    pk = stage.rows["maps"].pk
    services.delete_connection(reload(stage.rows["maps"]), actor=None)
    for path in ("/deleted/", f"/deleted/{pk}/", "/api/v1/deleted"):
        yield of_answer(path, stage.client.get(path))
    yield of_answer("back", stage.client.post(f"/deleted/{pk}/", {"secrets": "on"}, follow=True))
    yield "rows", repr([*RowVersion.objects.values(), *VersionMark.objects.values()])
    out = StringIO()
    for act in (["list"], ["show"], ["compare"]):
        numbers = {"list": [], "show": ["1"], "compare": ["1", "2"]}[act[0]]
        call_command("versions", *act, "connection", "literal", *numbers, stdout=out)
    yield "command", out.getvalue()


@surface
def a_replaced_key(stage: Stage) -> Found:
    """The pages, the API and the rows of a replacement: open, watched and gone back; the search."""
    page, name = stage.page("literal", "replace-key"), stage.rows["literal"].alias
    acts = [
        {"action": "enter", "settings-api_key": TYPED},
        {"action": "test"},
        {"action": "switch"},
        {"action": "go-back"},
    ]
    for act in acts:
        yield of_answer(act["action"], stage.client.post(page, act))
        yield of_answer(f"page after {act['action']}", stage.client.get(page))
        yield of_answer("api", stage.client.get(f"/api/v1/connections/{name}/replacement"))
        yield "rows", repr(list(KeyReplacement.objects.values()))
    for secret in (LITERAL, TYPED, REFERENCED):
        yield of_answer("search", stage.client.post("/connections/find-key/", {"key": secret}))
        body = json.dumps({"key": secret})
        asked = stage.client.post("/api/v1/leaked-keys/search", body, "application/json")
        yield of_answer("api of leaks", asked)
    yield "fingerprints", repr(list(SecretFingerprints.objects.values()))
    yield of_answer("leaked", stage.client.get(stage.page("literal", "leaked")))
    yield of_answer("report", stage.client.post(stage.page("literal", "leaked")))


def of_answer(where: str, response: Any) -> tuple[str, str]:
    """All of an answer: status, headers, cookies, body."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return (
        where,
        f"{response.status_code} {response.headers} {response.cookies} "
        f"{body.decode(errors='replace')}",
    )


def spellings(secret: str) -> set[str]:
    """The secret as it is, and as an encoder would write it."""
    return {
        secret,
        quote(secret),
        json.dumps(secret)[1:-1],
        base64.b64encode(secret.encode()).decode().rstrip("="),
        repr(secret.encode())[2:-1],
    }


def leaks(text: str) -> list[str]:
    return [secret for secret in SECRETS for one in spellings(secret) if one in text]


@pytest.fixture
def records(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> pytest.LogCaptureFixture:
    """Every log record, also of loggers that are set to be quieter."""
    groups()  # of all documents, once: the parser tells each rule that it tries on each line
    caplog.set_level(logging.DEBUG)
    for name in [*logging.root.manager.loggerDict, "openai", "httpx2", "httpcore2"]:
        caplog.set_level(logging.DEBUG, logger=name)
    monkeypatch.setattr(logging.getLogger("django.template"), "filters", [_without_lines])
    return caplog


def _without_lines(record: logging.LogRecord) -> bool:
    """Of a variable that a template lacks, what the error says and not which lines led to it.

    It says the whole context. The lines are ours, and took most of the time of looking at pages.
    """
    if record.name == "django.template" and record.exc_info:
        record.exc_text = str(record.exc_info[1])
    return True


# Pages


def patterns(resolver: Any = None, prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every address of the product with the converters of its places."""
    for one in (resolver or get_resolver()).url_patterns:
        route = prefix + str(one.pattern)
        if isinstance(one, URLPattern):
            yield route, one.pattern.converters
        else:
            yield from patterns(one, route)


def addresses(stage: Stage) -> Iterator[tuple[bool, list[str]]]:
    """Whether a route takes ids and nothing else, and its addresses with every row in its places:
    that of a connection first, then that of the profile.
    """
    literal, *others = stage.rows.values()
    rows = [literal, stage.profile, *others]
    ids = [str(row.pk) for row in rows]
    words = [*(row.alias for row in rows), ids[0], "openai", "chat", "user", "group"]
    for route, converters in patterns():
        if "(" in route or "\\" in route:
            continue  # Django's admin by regular expression; its pages are named below
        takes_ids = any(isinstance(one, UUIDConverter) for one in converters.values())
        values = (ids if takes_ids else words) if converters else [""]
        yield takes_ids, [re.sub("<[^>]*>", value, f"/{route}") for value in values]


@surface
def every_page(stage: Stage) -> Found:
    for takes_ids, of_one_route in addresses(stage):
        statuses = []
        for address in of_one_route:
            response = stage.client.get(address)
            yield of_answer(address, response)
            statuses.append(response.status_code)
            # it takes no GET, whatever it names; or ids of neither of the two kinds
            if response.status_code == 405 or (takes_ids and statuses == [404, 404]):
                break


@surface
def every_fragment(stage: Stage) -> Found:
    for address in (
        "/connections/",
        stage.page("literal", "edit"),
        stage.page("reference", "edit"),
        stage.page("maps", "edit"),
        "/connections/add/openai/",
        "/profiles/",
    ):
        yield of_answer(address, stage.client.get(address, headers=HTMX))


@surface
def the_admin(stage: Stage) -> Found:
    for kind, row in (
        ("connection", stage.rows["literal"]),
        ("connection", stage.rows["reference"]),
        ("profile", stage.profile),
    ):
        for end in ("", f"{row.pk}/change/", f"{row.pk}/history/", f"{row.pk}/delete/"):
            yield of_answer(f"{kind} {end}", stage.client.get(f"/admin/connections/{kind}/{end}"))


@surface
def every_page_without_the_key(stage: Stage) -> Found:
    from django.test import override_settings

    with override_settings(FERNET_KEYS=["another-key-for-tests-only-0123456789abcdef"]):
        for address in (
            "/",
            "/connections/",
            "/references/",
            stage.page("literal"),
            stage.page("literal", "edit"),
        ):
            yield of_answer(address, stage.client.get(address))


@surface
def a_secret_store_that_fails(stage: Stage) -> Found:
    item = {"fields": [{"id": "1", "label": "ApiKey", "value": REFERENCED}]}
    answers: dict[str, Any] = {
        "/v1/vaults": Answer(body=[{"id": "v"}]),
        "/v1/vaults/v/items": Answer(body=[{"id": "i"}]),
        "/v1/vaults/v/items/i": Answer(body=item),
    }
    with (
        HttpServer(answers) as server,
        pytest.MonkeyPatch.context() as patch,
        override_settings(CONNECTIONS_SOURCES=[f"onepassword-connect+http://{server.host}/Team"]),
    ):
        patch.setenv("OP_CONNECT_TOKEN", TYPED)
        yield of_answer("found", stage.client.get("/references/"))
        (store,) = conf.resolver().stores
        for status in (500, 403, 401):
            server.answers["/v1/vaults/v/items/i"] = Answer(status, item)
            patch.setattr("connections.sources.kept.FRESH", -1.0)
            yield of_answer(f"references, {status}", stage.client.get("/references/"))
            yield of_answer(f"sources, {status}", stage.client.post("/references/sources/"))
            yield f"repr, {status}", f"{store!r} {store.__dict__} {conf.resolver()!r}"
        yield of_answer("health", stage.client.get("/health/ready"))


# Answers to what is posted


@surface
def an_invalid_form(stage: Stage) -> Found:
    yield of_answer("add", stage.client.post("/connections/add/openai/", stage.typed))
    yield of_answer(
        "add, htmx", stage.client.post("/connections/add/openai/", stage.typed, headers=HTMX)
    )
    yield of_answer(
        "edit", stage.client.post(stage.page("literal", "edit"), {**stage.typed, "version": "2"})
    )
    swapped = {
        **entries({"api_key": "$OpenAI:ApiKey", "organization": "$OpenAI:ApiKey"}),
        "name": "Swapped",
    }
    yield of_answer(
        "reference in a plain setting", stage.client.post("/connections/add/openai/", swapped)
    )
    headers = entries(
        {"base_url": stage.upstream.url, "extra_headers": f"no colon {TYPED}"}, name="Headers"
    )
    yield of_answer("headers", stage.client.post("/connections/add/openai-compatible/", headers))


@surface
def rows_of_a_map(stage: Stage) -> Found:
    typed = entries(
        rows("secrets", {"new": TYPED, "": TYPED, "long": f"{TYPED}\n{TYPED}"}), name="Maps"
    )
    add = "/connections/add/custom/"
    yield of_answer("one more", stage.client.post(add, {**typed, "add-row": "settings-secrets"}))
    yield of_answer(
        "one more, htmx",
        stage.client.post(add, {**typed, "add-row": "settings-configs"}, headers=HTMX),
    )
    yield of_answer("no key", stage.client.post(add, typed))
    both = entries({**rows("configs", {"a": "1"}), **rows("secrets", {"a": TYPED})}, name="Maps")
    yield of_answer("refused", stage.client.post(add, both))
    yield of_answer(
        "tested",
        stage.client.post(
            add, {**entries(rows("secrets", {"a": TYPED}), name="Maps"), "action": "test"}
        ),
    )
    changed = entries(rows("secrets", {"api-key": TYPED, "token": TYPED}), name="Maps")
    yield of_answer(
        "stale", stage.client.post(stage.page("maps", "edit"), {**changed, "version": "9"})
    )
    yield of_answer(
        "saved",
        stage.client.post(stage.page("maps", "edit"), {**changed, "version": "1"}, follow=True),
    )
    yield "history", str(services.versions(reload(stage.rows["maps"])))


@surface
def a_valid_form(stage: Stage) -> Found:
    good = {**stage.typed, "settings-timeout": "5"}
    yield of_answer(
        "add", stage.client.post("/connections/add/openai/", {**good, "alias": "one"}, follow=True)
    )
    yield of_answer(
        "test and save",
        stage.client.post(
            "/connections/add/openai/", {**good, "action": "test-and-save"}, follow=True
        ),
    )
    yield of_answer(
        "stale", stage.client.post(stage.page("literal", "edit"), {**good, "version": "1"})
    )


@surface
def checks_that_pass_and_fail(stage: Stage) -> Found:
    for mode in ("good", "401", "403", "500", "html", "json_rows", "close", "redirect_loop"):
        stage.upstream.mode = mode
        stage.upstream.keys = {"nothing"} if mode == "401" else stage.upstream.keys
        yield of_answer(
            f"typed, {mode}",
            stage.client.post(
                "/connections/add/openai/",
                {**stage.typed, "settings-timeout": "5", "action": "test"},
            ),
        )
        yield of_answer(
            f"test and save, {mode}",
            stage.client.post(
                stage.page("literal", "edit"),
                {**stage.typed, "settings-timeout": "5", "action": "test-and-save"},
            ),
        )
        for kind in stage.rows:
            yield of_answer(
                f"{kind}, {mode}", stage.client.post(stage.page(kind, "test"), follow=True)
            )
        cache.clear()
        yield of_answer(
            f"models, {mode}",
            stage.client.post(
                "/profiles/add/chat/", {"connection": "literal", "action": "fetch-models"}
            ),
        )


@surface
def a_wrong_key_that_the_service_repeats(stage: Stage) -> Found:
    stage.upstream.keys = {"nothing"}
    for kind in stage.rows:
        yield of_answer(kind, stage.client.post(stage.page(kind, "test"), follow=True))
    yield of_answer("detail", stage.client.get(stage.page("literal")))


@surface
def actions(stage: Stage) -> Found:
    ticked = {"ids": [str(row.pk) for row in stage.rows.values()]}
    for action in ("export", "deactivate", "activate", "test"):
        yield of_answer(
            action,
            stage.client.post("/connections/bulk/", {**ticked, "action": action}, follow=True),
        )
    yield of_answer("asks", stage.client.get("/connections/switch-off/", ticked))
    for kind in stage.rows:
        yield of_answer(
            "toggle", stage.client.post(stage.page(kind, "toggle"), {"part": "row"}, headers=HTMX)
        )
    yield of_answer(
        "move",
        stage.client.post(
            stage.page("literal", "move-profiles"), {"target": "reference"}, follow=True
        ),
    )
    yield of_answer("delete", stage.client.post(stage.page("literal", "delete"), follow=True))


# A crash


@pytest.fixture(params=[False, True], ids=["DEBUG off", "DEBUG on"])
def debug(request, settings) -> bool:
    settings.DEBUG = request.param
    return request.param


def crash(*arguments: Any, **named: Any) -> Any:
    raise ZeroDivisionError("crashed here")


CRASHES = {
    "store": "connections.services.connections.save_version",
    "judge": "connections.services.settings_validation.check_schema",
    "write rule": "connections.services.settings_validation.secrets.write_rule",
    "encrypt": "connections.credentials.CredentialsField.get_db_prep_save",
    "resolve": "connections.resolving.Resolver.resolve",
    "use": "connections.runtime.get_provider",
    "check": "providers.core.base.Provider.check",
    "show": "connections.display.masked",
}


@pytest.mark.parametrize("where", CRASHES)
def test_a_crash_shows_no_secret(
    stage: Stage, debug: bool, records, monkeypatch: pytest.MonkeyPatch, where: str
):
    monkeypatch.setattr(CRASHES[where], crash)
    good = {**stage.typed, "settings-timeout": "5"}
    answers = [
        of_answer("add", stage.client.post("/connections/add/openai/", good)),
        of_answer(
            "test typed", stage.client.post("/connections/add/openai/", {**good, "action": "test"})
        ),
        of_answer(
            "edit", stage.client.post(stage.page("literal", "edit"), {**good, "version": "2"})
        ),
        *(
            of_answer(f"test {kind}", stage.client.post(stage.page(kind, "test")))
            for kind in stage.rows
        ),
        of_answer("detail", stage.client.get(stage.page("literal"))),
    ]
    assert any(text.startswith("500") for _, text in answers), "nothing crashed"
    assert [(where, leaks(text)) for where, text in answers if leaks(text)] == []
    assert leaks(records.text) == []


# Objects


@surface
def rows_in_memory(stage: Stage) -> Found:
    for row in [*stage.rows.values(), *map(reload, stage.rows.values())]:
        yield (
            "row",
            f"{row!r} {row} {vars(row)} {row.credentials!r} {row.history.first()!r} "
            f"{vars(row.history.first())}",
        )
        yield (
            "public settings",
            f"{display.public_settings(row)} "
            f"{selectors.shown_settings(row, display.public_settings(row))}",
        )
        yield (
            "references",
            f"{display.reference_states(row)} {selectors.reference_uses()} {health(row)}",
        )
        yield "for use", f"{runtime.find_connection(row.alias)!r}"
    yield (
        "lists",
        f"{list(Connection.objects.values('name', 'settings'))} {selectors.dashboard()} "
        f"{lines(attention(actor=None).rows)} "
        f"{vars(conf.resolver())}",
    )


@surface
def what_is_used(stage: Stage) -> Found:
    for row in stage.rows.values():
        settings, provider = runtime.resolved_settings(row), runtime.get_configured_provider(row)
        yield (
            "settings",
            f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()} "
            f"{vars(settings)}",
        )
        yield "provider", f"{provider!r} {provider} {vars(provider)}"


@surface
def what_is_raised(stage: Stage) -> Found:
    stage.upstream.keys = {"nothing"}
    for row in stage.rows.values():
        with suppress(ProviderError):
            yield "models", str(services.list_models(row, actor=None))
    acts = {
        "models": lambda: services.list_models(stage.rows["literal"], actor=None),
        "reference": lambda: services.list_models(stage.rows["reference"], actor=None),
        "invalid": lambda: connect(
            "openai",
            settings={"api_key": f"{TYPED}\n{TYPED}", "organization": "$OpenAI:ApiKey", "x": TYPED},
        ),
        "entries": lambda: connect(
            "custom", settings={"secrets": {"a": [TYPED], f"{TYPED}\n": TYPED}, "configs": [TYPED]}
        ),
        "stored nonsense": lambda: runtime.resolved_settings(
            _with(stage.rows["literal"], {"timeout": LITERAL, "organization": "$OpenAI:ApiKey"})
        ),
    }
    for name, act in acts.items():
        try:
            act()
        except Exception as error:  # noqa: BLE001 whatever it is must be silent
            yield (
                name,
                f"{error!r} {error} {error.args} {vars(error)} "
                f"{''.join(traceback.format_exception(error))}",
            )
        else:
            raise AssertionError(f"{name} raised nothing")


def _with(row: Connection, settings: dict[str, Any]) -> Connection:
    changed = reload(row)
    changed.settings = settings
    changed.save()
    return reload(row)


# Documents


@surface
def exports_and_dumps(stage: Stage) -> Found:
    out = StringIO()
    call_command("dumpdata", stdout=out)
    yield "dumpdata", out.getvalue()
    for command in (
        ["check", "--tag", "connections"],
        ["rotate_credentials"],
        ["rotate_credentials", "--check"],
    ):
        out = StringIO()
        call_command(*command, stdout=out, stderr=out)
        yield command[0], out.getvalue() + " "


@surface
def history(stage: Stage) -> Found:
    row = stage.rows["literal"]
    services.update_connection(
        row, actor=None, settings={"api_key": TYPED, "base_url": stage.upstream.url}
    )
    newest, older = list(row.history.all()[:2])
    delta = newest.diff_against(older)
    assert "credentials" in delta.changed_fields
    yield (
        "diff",
        f"{delta!r} {delta} {vars(delta)} "
        f"{[(one.field, one.old, one.new) for one in delta.changes]} {delta.changes!r}",
    )
    yield "versions", str(services.versions(reload(row)))


# What is stored


def events() -> str:
    """All columns of all events of the audit."""
    return repr(list(AuditEvent.objects.values()))


@surface
def what_events_say_of_acts(stage: Stage) -> Found:
    """Acts on secrets, done and refused: typed, exported, read by flows, looked for, reported."""
    row, client = stage.rows["literal"], stage.client
    edit, given = stage.page("literal", "edit"), {"base_url": stage.upstream.url}
    client.post(edit, entries({"api_key": TYPED, **given}))
    client.post(edit, entries({"api_key": f"{TYPED}***", **given}))
    client.post(stage.page("maps", "edit"), entries({"secrets": {ENTRY: ENTRY}}))
    client.post("/packages/export/", {"passphrase": TYPED, "again": TYPED})
    ada = get_user_model().objects.get(username="ada")
    text = create_reveal_token("flow", user=ada, actor=ada, connections=[row.alias])[1]
    for path in (f"{text}/connections", f"{text}/connections/{TYPED}", f"{TYPED}/connections"):
        client.get(f"/promptflow/{path}")
    client.post("/connections/find-key/", {"key": TYPED})
    client.post(stage.page("literal", "leaked"))
    client.post("/issuers/try/", {"token": f"{TYPED}.{TYPED}.{TYPED}"})
    found = events()
    acts = ("connection.update", "secret.read", "leaked_key.search", "leak.report", "issuer.test")
    for action in acts:
        assert action in found
    assert text not in found and " refused" in str(list(AuditEvent.objects.all()))
    yield "events", found
    yield (
        "sentences",
        str(
            [
                sentence(one.action, one.actor_name, one.object_name, one.outcome)
                for one in AuditEvent.objects.all()
            ]
        ),
    )


@surface
def every_column_of_every_table(stage: Stage) -> Found:
    stage.client.post(stage.page("literal", "test"))
    stage.client.post("/connections/add/openai/", stage.typed)
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {database.ops.quote_name(table)}")
            rows = [
                [bytes(one) if isinstance(one, memoryview) else one for one in row]
                for row in cursor.fetchall()
            ]
            yield table, f"{table} {rows}"


@surface
def the_cache(stage: Stage) -> Found:
    for kind in stage.rows:
        stage.client.post(stage.page(kind, "test"))
        services.list_models(stage.rows[kind], actor=None)
    if hasattr(cache, "_cache") and isinstance(cache._cache, dict):
        yield "local", f"{cache._cache}"
    else:
        server = cache._cache.get_client(None)
        yield "redis", f"{[(key, server.dump(key), server.get(key)) for key in server.keys('*')]}"


def surfaces() -> list[Any]:
    stored = (every_column_of_every_table, the_cache, exports_and_dumps, history)
    return [
        pytest.param(look, id=name, marks=[pytest.mark.server] if look in stored else [])
        for name, look in SURFACES.items()
    ]


@pytest.mark.parametrize("look", surfaces())
def test_no_secret_is_on(
    stage: Stage, records: pytest.LogCaptureFixture, look: Callable[[Stage], Found]
):
    found = list(look(stage))
    assert found and all(text for _, text in found)
    assert [(where, leaks(text)) for where, text in found if leaks(text)] == []
    assert leaks(records.text) == [], "in the log"
    assert leaks(events()) == [], "in an event"


def test_the_search_would_find_a_secret(stage: Stage):
    encoded = base64.b64encode(LITERAL.encode()).decode()
    assert leaks(f"x{LITERAL}y") and leaks(f"x{encoded}y") and not leaks("nothing")
    assert (
        runtime.resolved_settings(stage.rows["reference"]).api_key.get_secret_value() == REFERENCED
    )
    assert dict(stage.rows["headers"].credentials)["extra_headers"] and dict(
        stage.rows["maps"].credentials
    )["secrets"] == {"api-key": ENTRY}


def test_the_service_was_really_sent_the_secrets(stage: Stage):
    for kind in stage.rows:
        stage.client.post(stage.page(kind, "test"))
    sent = [
        secret
        for secret in (LITERAL, REFERENCED, HEADER)
        if any(secret in request for request in stage.upstream.requests)
    ]
    assert sent == [LITERAL, REFERENCED, HEADER]


def test_every_address_was_looked_at(stage: Stage):
    seen = {one for _, of_one_route in addresses(stage) for one in of_one_route}
    assert {
        "/",
        "/connections/",
        stage.page("literal", "edit"),
        "/connections/add/openai/",
        f"/profiles/{stage.profile.pk}/",
    } <= seen


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_no_secret_is_in_the_database_file(settings):
    row = connect("openai", settings={"api_key": LITERAL})
    services.update_connection(row, actor=None, settings={"api_key": TYPED})
    with database.cursor() as cursor:
        if database.vendor == "sqlite":
            path = Path(database.settings_dict["NAME"])
            # by a process of its own: closing a file that SQLite has open takes its locks away
            # (sqlite.org/howtocorrupt.html, 2.2), and then another process may remove its log
            files = map(str, path.parent.glob(f"{path.name}*"))
            stored = subprocess.run(["cat", *files], check=True, capture_output=True).stdout
        else:
            cursor.execute("SELECT connections_connection::text FROM connections_connection")
            stored = str(cursor.fetchall()).encode()
    assert b"openai" in stored and leaks(stored.decode(errors="replace")) == []
    assert Profile.objects.count() == 0
