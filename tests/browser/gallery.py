"""A backoffice as it looks after a month of use, and every state of every page in it.

`SCENES` maps a name to what brings a page into that state. Accessibility, policy and screenshots go
through all of them.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from connections.api.openapi import operations_of
from providers.core.base import Provider
from providers.core.registry import all_providers
from providers.core.schema import settings_fields
from tests.connections.types.authorizing import DOCUMENT as ALLOWED_TYPE
from tests.upstreams import Upstream

from .conftest import (
    PHONE,
    TYPED_KEY,
    WRONG_KEY,
    OpenPage,
    Server,
    act,
    add_connection,
    add_profile,
    fill_openai,
    press,
    state_after_sign_in,
    submit,
)

SEARCH = {
    "configs-0-key": "endpoint",
    "configs-0-value": "https://search.example.com/indexes/handbook",
    "configs-1-key": "api_version",
    "configs-1-value": "2023-11-01",
    "configs-2-key": "language",
    "configs-2-value": "$Custom:Configs:Language",
    "secrets-0-key": "api-key",
    "secrets-0-value": TYPED_KEY,
    "secrets-1-key": "webhook-token",
    "secrets-1-value": "$Custom:Token",
}


@dataclass
class Gallery:
    """Where things are: pages of rows by name, the address of a service that answers."""

    service: str
    places: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="session")
def gallery_service() -> Iterator[Upstream]:
    """The service behind the connections of the gallery."""
    with Upstream(keys=None) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def gallery(server: Server, gallery_service: Upstream, browser, signed_in) -> Iterator[Gallery]:
    """Connections and profiles in believable states. The tests that look at them change nothing.

    They are made through the pages once; the next module gets the same rows again.
    """
    if server.gallery:
        places, rows = server.gallery
        server.put(rows)
        yield Gallery(f"{gallery_service.url}/v1", places)
        return
    server.put({})
    if "administrator" not in signed_in:
        signed_in["administrator"] = state_after_sign_in(browser, server, "administrator")
    context = browser.new_context(base_url=server.url, storage_state=signed_in["administrator"])
    gallery = Gallery(f"{gallery_service.url}/v1")
    _add_connections(context.new_page(), gallery)
    _add_checks(context.pages[0], gallery, gallery_service)
    _add_profiles(context.pages[0], gallery)
    _rename(context.pages[0], gallery)
    context.close()
    operator = state_after_sign_in(browser, server, "operator")
    context = browser.new_context(base_url=server.url, storage_state=operator)
    gallery.places["Evening copy"] = add_connection(
        context.new_page(),
        "openai-compatible",
        "Evening copy",
        base_url="https://gateway.example.com:8443/v1",
        api_key="$OpenAI:ApiKey",
    )
    context.close()
    _age(server)
    _add_usage(server)
    _add_request_with_attempts(server)
    server.gallery = (gallery.places, server.rows())
    yield gallery


def _add_connections(page: Page, gallery: Gallery) -> None:
    here = {"base_url": gallery.service}
    rows = [
        (
            "openai",
            "OpenAI production",
            {"api_key": "$OpenAI:ApiKey", "tags": "production, support", **here},
        ),
        (
            "openai",
            "OpenAI evaluation",
            {"api_key": WRONG_KEY, "tags": "evaluation", "base_url": "http://127.0.0.1:9/v1"},
        ),
        (
            "azure-openai",
            "Azure OpenAI Sweden",
            {
                "api_key": TYPED_KEY,
                "auth_mode": "key",
                "endpoint": "https://sweden.openai.azure.com",
            },
        ),
        ("anthropic", "Anthropic", {"api_key": "$Anthropic:ApiKey", "tags": "production"}),
        ("google", "Gemini experiments", {"api_key": TYPED_KEY, "is_active": ""}),
        (
            "amazon",
            "Bedrock Frankfurt",
            {"auth_mode": "default", "region": "eu-central-1", "tags": "production"},
        ),
        ("mistral", "Mistral", {"api_key": TYPED_KEY, **here}),
        (
            "openai-compatible",
            "vLLM in the basement",
            {"base_url": gallery.service, "tags": "on-premises"},
        ),
        (
            "openai-compatible",
            "Company gateway",
            {"base_url": gallery.service, "api_key": TYPED_KEY, "headers": "X-Team: search"},
        ),
        ("custom", "Document search", SEARCH | {"tags": "promptflow"}),
        ("echo", "Echo", {}),
    ]
    for provider, name, columns in rows:
        gallery.places[name] = add_connection(page, provider, name, **columns)


def _add_checks(page: Page, gallery: Gallery, service: Upstream) -> None:
    for mode in ("good", "good", "500", "good", "429", "good", "good"):
        service.mode = mode
        submit(page, f"{gallery.places['OpenAI production']}test/")
    for name in ("OpenAI evaluation", "Mistral", "vLLM in the basement", "Company gateway", "Echo"):
        submit(page, f"{gallery.places[name]}test/")
    submit(
        page,
        f"{gallery.places['Mistral']}edit/",
        name="Mistral",
        is_active="on",
        tags="new",
        **{"settings-base_url": gallery.service},
    )
    page.goto("/connections/")  # reads the messages


def _add_profiles(page: Page, gallery: Gallery) -> None:
    helpdesk = {
        "temperature": "0.2",
        "system_prompt_template": "You are {role}.",
        "fallbacks": "rehearsal",
        "stop": "END",
    }
    limits = {
        "max_tokens_limit": "2000",
        "allowed_overrides": "some",
        "allowed_overrides-some": "temperature",
    }
    rows = [
        ("echo", "Rehearsal", "echo-1", "chat", {}),
        ("openai-production", "Helpdesk answers", "gpt-4o-mini", "chat", helpdesk | limits),
        (
            "openai-production",
            "Search index",
            "text-embedding-3-small",
            "embedding",
            {"dimensions": "512"},
        ),
        ("anthropic", "Long documents", "claude-sonnet-5", "chat", {"max_tokens": "4000"}),
        ("gemini-experiments", "Draft translations", "gemini-2.5-flash", "chat", {}),
    ]
    for connection, name, model, capability, settings in rows:
        gallery.places[name] = add_profile(page, connection, name, model, capability, **settings)
    page.goto("/profiles/")


def _rename(page: Page, gallery: Gallery) -> None:
    for name, alias in (("Azure OpenAI Sweden", "azure-sweden"), ("Draft translations", "drafts")):
        submit(page, f"{gallery.places[name]}alias/", alias=alias)
    page.goto("/connections/")


def _age(server: Server) -> None:
    """What only time and accidents bring: old dates, a lost key, a provider that is gone."""
    with closing(server.sqlite()) as database:
        older = "strftime('%Y-%m-%d %H:%M:%f', date_modified, (-31 * length(name)) || ' hours')"
        database.execute(f"UPDATE connections_connection SET date_modified = {older}")
        database.execute(
            "UPDATE connections_connection SET credentials_key = 'a lost key' WHERE name = "
            "'Company gateway'"
        )
        database.execute(
            "UPDATE connections_connection SET provider_id = 'retired-ai' WHERE name = 'vLLM in "
            "the basement'"
        )
        for number, who in enumerate(("olga, token Intranet search", "the command line")):
            database.execute(
                "INSERT INTO connections_aliasuse (former_alias_id, used_by, last_used_at) SELECT "
                "id, ?, datetime('now', ?) FROM connections_formeralias WHERE profile_id IS NULL",
                (who, f"-{number * 50} hours"),
            )


REQUEST = "1" * 32  # the key of one request


def _add_usage(server: Server) -> None:
    """Requests of a month: more by day than by night, one in nineteen failed, and what was asked
    for in vain.
    """
    rows = [
        ("helpdesk-answers", "openai-production", "openai", "gpt-4o-mini", "Website"),
        (
            "search-index",
            "openai-production",
            "openai",
            "text-embedding-3-small",
            "Intranet search",
        ),
        ("long-documents", "anthropic", "anthropic", "claude-sonnet-5", ""),
        ("no-such-profile", "", "", "", "Website"),
    ]
    columns = (
        "started_at, endpoint, capability, profile_alias, connection_alias, provider_id, model, "
        "token_name, user_name, "
    )
    columns += (
        "is_stream, attempts, input_tokens, output_tokens, latency_ms, first_chunk_ms, outcome, "
        "prompt, answer"
    )
    values = (
        "strftime('%Y-%m-%d %H:%M:%f', 'now', ?), 'v1', 'Chat', ?, ?, ?, ?, ?, 'operator', 1, 1, "
        "?, ?, ?, ?, ?, '', ''"
    )
    with closing(server.sqlite()) as database:
        for number in range(1200):
            outcome = (
                "client_closed"
                if number % 23 == 0
                else "rate_limited"
                if number % 19 == 0
                else "ok"
            )
            row = rows[number % 3 if number % 40 else 3]
            numbers = (number % 900, number % 400, 200 + number % 1700, 40 + number % 300)
            database.execute(
                f"INSERT INTO gateway_usagerecord ({columns}) VALUES ({values})",
                (f"-{number * number // 33} seconds", *row, *numbers, outcome),
            )


def _add_request_with_attempts(server: Server) -> None:
    """A request whose first target failed and whose second one was passed over."""
    attempts = [
        ("openai-production", "failed", "rate_limited", 429, "Too many requests. " * 8, 0),
        ("azure", "passed_over", "timeout", None, "", 1),
        ("anthropic", "ok", "", None, "", 0),
    ]
    with closing(server.sqlite()) as database:
        database.execute(
            "UPDATE gateway_usagerecord SET key = ?, request_id = 'order-17', attempts = 2, "
            "answered_profile_id = ?, profile_id = ?, answered_profile_alias = 'long-documents', "
            "cached_tokens = 100, is_estimated = 1 "
            "WHERE id = (SELECT id FROM gateway_usagerecord ORDER BY started_at DESC LIMIT 1)",
            (REQUEST, "2" * 32, "3" * 32),
        )
        for position, attempt in enumerate(attempts):
            database.execute(
                "INSERT INTO gateway_usageattempt (record_key, position, started_at, profile_id, "
                "profile_alias, connection_id, connection_alias, connection_version, provider_id, "
                "model, outcome, code, status, error, latency_ms, retries, is_cooling) VALUES "
                "(?, ?, datetime('now'), ?, 'helpdesk-answers', ?, ?, 3, 'openai', 'gpt-4o', "
                "?, ?, ?, ?, 210, 0, ?)",
                (REQUEST, position, "2" * 32, "4" * 32, *attempt),
            )


Scene = Callable[[Page, Gallery], object]


def at(path: str) -> Scene:
    """The page at an address."""
    return lambda page, gallery: page.goto(path)


def of(name: str, path: str = "") -> Scene:
    """The page of a row, or one below it."""
    return lambda page, gallery: page.goto(gallery.places[name] + path)


def key_not_ours(page: Page, gallery: Gallery) -> None:
    page.goto("/connections/find-key/")
    page.locator("[name=key]").fill("sk-nobody-has-this")
    press(page, "Look for it")


def form_with_errors(page: Page, gallery: Gallery) -> None:
    page.goto("/connections/add/azure-openai/")
    page.locator("[name=alias]").fill("Not an alias")
    page.locator("[name=settings-endpoint]").fill("no address")
    press(page, "Save")
    expect(page.get_by_role("alert")).to_be_visible()


def form_after_a_good_test(page: Page, gallery: Gallery) -> None:
    fill_openai(page, "OpenAI staging", "$OpenAI:ApiKey", gallery.service)
    press(page, "Test")
    expect(page.locator("#outcome.good")).to_be_visible()


def form_after_a_bad_test(page: Page, gallery: Gallery) -> None:
    fill_openai(page, "OpenAI staging", WRONG_KEY, "http://127.0.0.1:9/v1")
    press(page, "Test")
    expect(page.locator("#outcome.bad")).to_be_visible()


def edited_meanwhile(page: Page, gallery: Gallery) -> None:
    page.goto(gallery.places["Mistral"] + "edit/")
    page.locator("[name=version]").evaluate("input => input.value = '1'")
    press(page, "Save")
    expect(page.get_by_role("alert")).to_contain_text("while you were editing")


def every_part_open(page: Page, gallery: Gallery) -> None:
    page.goto(gallery.places["Azure OpenAI Sweden"] + "edit/")
    page.get_by_role("radio", name="Microsoft Entra ID").check()
    page.locator("main details").evaluate_all("all => all.forEach(one => { one.open = true })")


def rows_with_errors(page: Page, gallery: Gallery) -> None:
    page.goto("/connections/add/custom/")
    page.locator("[name=settings-configs-0-key]").fill("endpoint")
    page.locator("[name=settings-configs-0-value]").fill("$Custom:ApiKey")
    press(page, "Add a row to Configs")
    page.locator("[name=settings-configs-1-key]").fill("api_version")
    page.locator("[name=settings-secrets-0-key]").fill("api-key")
    page.locator("[name=settings-secrets-0-value]").fill(TYPED_KEY)
    press(page, "Save")
    expect(page.get_by_role("alert")).to_be_visible()


def rows_removed(page: Page, gallery: Gallery) -> None:
    page.goto(gallery.places["Document search"] + "edit/")
    page.get_by_label("Remove language").check()
    page.get_by_label("Remove api-key").check()
    press(page, "Add a row to Secrets")
    expect(page.locator("[name=settings-secrets-2-key]")).to_be_focused()


def tested_in_the_list(page: Page, gallery: Gallery) -> None:
    page.goto("/connections/?q=Echo")
    act(page, "Echo", "Test")
    expect(page.locator("td .note").first).to_be_visible()


def messages(page: Page, gallery: Gallery) -> None:
    page.goto("/connections/?q=experiments")
    page.get_by_role("checkbox", name="Tick all of this page").check()
    press(page, "Switch on")
    expect(page.locator(".message.success")).to_be_visible()


def bulk_test(page: Page, gallery: Gallery) -> None:
    page.goto("/connections/")
    page.get_by_role("checkbox", name="Tick all of this page").check()
    page.locator("#bulk").get_by_role("button", name="Test").click()
    expect(page.locator("#tasks").get_by_role("status")).to_be_visible(timeout=30000)


def profile_with_models(page: Page, gallery: Gallery) -> None:
    page.goto("/profiles/add/chat/?connection=openai-production")
    press(page, "Fetch models")
    expect(page.locator(".panel.good")).to_be_visible()


def profile_with_errors(page: Page, gallery: Gallery) -> None:
    page.goto("/profiles/add/chat/?connection=echo")
    page.locator("[name=settings-temperature]").fill("7")
    press(page, "Save")
    expect(page.locator(".errors").first).to_be_visible()


def profile_with_everything_open(page: Page, gallery: Gallery) -> None:
    page.goto(gallery.places["Helpdesk answers"] + "edit/")
    page.get_by_role("group", name="Move on when").get_by_label("Only what is ticked").check()
    page.get_by_label("Fallback 2").select_option("long-documents")


def every_number_of_usage(page: Page, gallery: Gallery) -> None:
    page.goto("/usage/?period=7d&page=2")
    page.get_by_text("The same numbers as a table").click()
    expect(page.get_by_role("region", name="Numbers of the charts")).to_be_visible()


def conversation(page: Page, gallery: Gallery) -> None:
    page.goto(gallery.places["Rehearsal"])
    for message in (
        "What is a switchboard?",
        "And who worked at one?\nPlease answer in two lines.",
    ):
        page.get_by_label("Message").fill(message)
        press(page, "Send")
        expect(page.get_by_role("log")).to_contain_text(f"Echo: {message}")
    for summary in page.locator("#playground summary").all():
        summary.click()


def conversation_refused(page: Page, gallery: Gallery) -> None:
    page.goto(gallery.places["Helpdesk answers"])
    page.get_by_label("role").fill("a helpful colleague")
    page.get_by_label("Message").fill("What is a switchboard?")
    press(page, "Send")
    expect(page.locator("#playground [role=alert]")).to_be_visible()


def about_to_restore(page: Page, gallery: Gallery) -> None:
    place = add_connection(page, "openai", "For a day", api_key=TYPED_KEY)
    submit(page, f"{place}delete/")
    page.goto("/deleted/")
    page.get_by_role("link", name="For a day").first.click()
    expect(page.get_by_role("heading", name="Restore For a day")).to_be_visible()


def alias_refused(page: Page, gallery: Gallery) -> None:
    page.goto(gallery.places["Mistral"] + "alias/")
    page.get_by_label("New alias").fill("azure-openai-sweden")
    press(page, "Change the alias")
    expect(page.get_by_role("alert")).to_be_visible()


def about_to_take_away(name: str) -> Scene:
    """The page that asks before the former alias of a row is taken away."""

    def scene(page: Page, gallery: Gallery) -> None:
        page.goto(gallery.places[name])
        page.get_by_role("link", name="Take").click()
        expect(page.get_by_role("button", name="Take it away")).to_be_visible()

    return scene


def refused_sign_in(page: Page, gallery: Gallery) -> None:
    page.context.clear_cookies()
    page.goto("/sign-in/")
    page.get_by_label("Username").fill("administrator")
    page.get_by_label("Password").fill("wrong")
    press(page, "Sign in")
    expect(page.get_by_role("alert")).to_be_visible()


def sign_in_form(page: Page, gallery: Gallery) -> None:
    page.context.clear_cookies()
    page.goto("/sign-in/")


def password_refused(page: Page, gallery: Gallery) -> None:
    page.goto("/password/")
    press(page, "Change password")
    page.locator("input[type=password]").first.fill("wrong")
    page.locator("input[type=password]").nth(1).fill("short")
    page.locator("input[type=password]").nth(2).fill("shorter")
    press(page, "Change password")
    expect(page.locator(".errors").first).to_be_visible()


def about_to_switch_off(page: Page, gallery: Gallery) -> None:
    page.goto("/connections/?q=OpenAI+production")
    page.get_by_role("switch", name="Active: OpenAI production").click()
    expect(page.get_by_role("heading", name="Switch off OpenAI production")).to_be_visible()


def token_made(page: Page, gallery: Gallery) -> None:
    page.goto("/tokens/")
    page.locator("[name=name]").fill("Deployment")
    page.get_by_role("checkbox", name="gateway:use").check()
    page.get_by_label("Helpdesk answers").check()
    page.locator("[name=requests_per_minute]").fill("60")
    page.locator("[name=tokens_per_day]").fill("1000000")
    press(page, "Make a token")
    expect(page.locator(".panel.good")).to_be_visible()


def token_about_to_end(page: Page, gallery: Gallery) -> None:
    token_made(page, gallery)
    page.get_by_role("button", name="Actions: Deployment", exact=True).first.click()
    page.get_by_role("link", name="Revoke Deployment").first.click()
    expect(page.get_by_role("heading", name="Revoke Deployment")).to_be_visible()


def token_about_to_renew(page: Page, gallery: Gallery) -> None:
    token_made(page, gallery)
    page.get_by_role("link", name="Deployment", exact=True).first.click()
    page.get_by_role("link", name="Renew").click()
    expect(page.get_by_role("heading", name="Renew Deployment")).to_be_visible()


def token_renewed(page: Page, gallery: Gallery) -> None:
    token_about_to_renew(page, gallery)
    press(page, "Renew")
    expect(page.locator(".panel.good")).to_be_visible()


def service_account(page: Page, gallery: Gallery) -> None:
    page.goto("/people/service-accounts/")
    if (there := page.get_by_role("link", name="ci-deploy", exact=True)).count():
        there.click()
        return
    page.goto("/people/service-accounts/add/")
    page.locator("[name=name]").fill("ci-deploy")
    page.locator("[name=contact]").fill("Platform team")
    page.get_by_label("Operators").check()
    press(page, "Add")
    expect(page.get_by_role("heading", name="ci-deploy", exact=True)).to_be_visible()


def service_account_delete(page: Page, gallery: Gallery) -> None:
    service_account(page, gallery)
    page.get_by_role("link", name="Delete", exact=True).click()
    expect(page.get_by_role("heading", name="Delete ci-deploy")).to_be_visible()


def service_accounts(page: Page, gallery: Gallery) -> None:
    service_account(page, gallery)
    page.goto("/people/service-accounts/")


def trusted_issuer(page: Page, gallery: Gallery) -> None:
    """With a rule, and keys that cannot be fetched: nothing answers there."""
    service_account(page, gallery)
    page.goto("/issuers/")
    if (there := page.get_by_role("link", name="forge", exact=True)).count():
        there.click()
        return
    page.goto("/issuers/add/")
    page.locator("[name=name]").fill("forge")
    page.locator("[name=issuer]").fill("https://127.0.0.1:9/forge")
    page.locator("[name=audiences]").fill("https://switchboard.example")
    press(page, "Trust")
    page.get_by_role("link", name="Add a rule").click()
    page.locator("[name=name]").fill("deploy")
    page.locator("[name=conditions]").fill("repository = acme/app\nref = refs/heads/*")
    page.locator("[name=account]").select_option(label="ci-deploy (service account)")
    press(page, "Add")
    expect(page.get_by_role("cell", name="repository = acme/app")).to_be_visible()


def trusted_issuers(page: Page, gallery: Gallery) -> None:
    trusted_issuer(page, gallery)
    page.goto("/issuers/")


def issuer_rule(page: Page, gallery: Gallery) -> None:
    trusted_issuer(page, gallery)
    page.get_by_role("link", name="deploy", exact=True).click()
    expect(page.get_by_role("heading", name="Change deploy")).to_be_visible()


def token_trial(page: Page, gallery: Gallery) -> None:
    page.goto("/issuers/try/")
    page.locator("[name=token]").fill("a.b.c")
    press(page, "Try")
    expect(page.get_by_text("It is not taken.")).to_be_visible()


def token_refused(page: Page, gallery: Gallery) -> None:
    page.goto("/tokens/")
    press(page, "Make a token")
    expect(page.locator(".errors").first).to_be_visible()


def flow_token_made(page: Page, gallery: Gallery) -> None:
    page.goto("/tokens/flows/")
    page.locator("[name=name]").fill("Nightly evaluation")
    page.get_by_label("OpenAI production").check()
    page.locator("[name=networks]").fill("10.0.0.0/8")
    press(page, "Make a token")
    address = page.locator(".panel.good code").inner_text().partition("=")[2]
    expect(page.locator(".panel.good")).to_contain_text("PF_HTTP_CONNECTION_PROVIDER_ENDPOINT")
    for end in ("connections/openai-production", "nothing"):
        page.request.get(f"{address}/{end}")
    page.request.get(f"{address[:-3]}/connections")


def flow_token_about_to_end(page: Page, gallery: Gallery) -> None:
    flow_token_made(page, gallery)
    page.goto("/tokens/flows/")
    page.get_by_role("link", name="Revoke Nightly evaluation").first.click()
    expect(page.get_by_role("heading", name="Revoke Nightly evaluation")).to_be_visible()


def flow_token_refused(page: Page, gallery: Gallery) -> None:
    page.goto("/tokens/flows/")
    press(page, "Make a token")
    expect(page.locator(".errors").first).to_be_visible()


def flow_reads(page: Page, gallery: Gallery) -> None:
    flow_token_made(page, gallery)
    page.goto("/tokens/flows/reads/")
    expect(page.locator("tbody tr").first).to_be_visible()


def not_allowed(page: Page, gallery: Gallery) -> None:
    submit(page, "/types/install/", document=ALLOWED_TYPE, action="install")
    service = "https://login.example.com"
    settings = {"url": service, "client_id": "switchboard", "client_secret": TYPED_KEY}
    page.goto(add_connection(page, "acme.allowed", "Calendar of the team", **settings))
    expect(page.get_by_text("Not allowed yet")).to_be_visible()


def about_to_allow(page: Page, gallery: Gallery) -> None:
    not_allowed(page, gallery)
    press(page, "Allow access")
    expect(page.get_by_role("link", name="Go to login.example.com")).to_be_visible()


def palette(page: Page, gallery: Gallery) -> None:
    page.goto("/connections/")
    page.keyboard.press("Control+k")
    page.keyboard.type("test openai")
    expect(page.get_by_role("button", name="Test OpenAI production")).to_be_visible()


def keys_dialog(page: Page, gallery: Gallery) -> None:
    page.goto("/connections/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


def about_to_snooze(page: Page, gallery: Gallery) -> None:
    page.goto("/attention/")
    page.locator("[popovertarget^=menu-]").first.click()
    page.locator(".acts:popover-open summary").click()
    expect(page.get_by_role("textbox", name="Reason")).to_be_visible()


def snoozed(page: Page, gallery: Gallery) -> None:
    about_to_snooze(page, gallery)
    page.get_by_role("textbox", name="Reason").fill("The vendor repairs it.")
    press(page, "Snooze")
    page.goto("/attention/?snoozed=yes")
    expect(page.get_by_text("The vendor repairs it.")).to_be_visible()


def _looks(provider: type[Provider[Any]]) -> set[tuple[Any, ...]]:
    """What decides how each field of a provider's form is drawn, besides its texts."""
    return {
        (
            *(one.kind, one.secret, one.required, one.required_when_shown, bool(one.shown_when)),
            *(bool(one.choices), one.address, one.multiline, one.group == "Advanced"),
        )
        for one in settings_fields(provider).values()
    }


def _together(providers: Sequence[type[Provider[Any]]]) -> list[type[Provider[Any]]]:
    """The few of them in whose forms every look occurs that occurs in any."""
    found, missing = [], set().union(*map(_looks, providers))
    while missing:
        found.append(max(providers, key=lambda one: len(_looks(one) & missing)))
        missing -= _looks(found[-1])
    return found


def an_event(page: Page, _gallery: Gallery) -> None:
    """The page of the newest event of a connection."""
    page.goto("/audit/?kind=connection")
    page.locator("[data-open]").first.click()
    page.wait_for_url("**/audit/*/")


def the_api(page: Page, gallery: Gallery) -> None:
    """Every subject, one of them with its operations, and one of these.

    Swagger UI resolves the whole document before its page can be clicked, and again for the first
    operation that is opened: 2 seconds of a quiet core each. So all about it is asked here.
    """
    document = page.request.get("/api/v1/schema?format=json").json()
    subjects = Counter(one["tags"][0] for *_, one in operations_of(document))
    page.goto("/api/v1/docs")
    expect(page.locator(".opblock-tag")).to_have_count(len(subjects), timeout=60_000)
    page.locator("#operations-tag-settings").click(timeout=60_000)
    subject = page.locator(".opblock-tag-section:has(#operations-tag-settings)")
    expect(subject.locator(".opblock")).to_have_count(subjects["settings"], timeout=60_000)
    subject.locator(".opblock-summary-control").first.click(timeout=60_000)
    expect(page.locator(".opblock-body")).to_be_visible(timeout=60_000)


SCENES: dict[str, Scene] = {
    "the-api": the_api,
    "dashboard": at("/"),
    "administration": at("/administration/"),
    "people": at("/people/"),
    "people-add": at("/people/add/"),
    "people-roles": at("/people/roles/"),
    "teams": at("/teams/"),
    "team-add": at("/teams/add/"),
    "why-not": at("/why-not/auth.delete_permission/"),
    "service-accounts": service_accounts,
    "service-account-add": at("/people/service-accounts/add/"),
    "service-account": service_account,
    "service-account-delete": service_account_delete,
    "password-reset": at("/sign-in/reset/"),
    "your-email": at("/your-sign-in/email/"),
    "trusted-issuer-add": at("/issuers/add/"),
    "trusted-issuer": trusted_issuer,
    "trusted-issuers": trusted_issuers,
    "issuer-rule": issuer_rule,
    "token-trial": token_trial,
    "person": at("/people/1/"),
    "person-password": at("/people/2/password/"),
    "your-sign-in": at("/your-sign-in/"),
    "your-sign-in-app": at("/your-sign-in/app/"),
    "your-sign-in-passkey": at("/your-sign-in/passkeys/add/"),
    "sign-in-confirm": at("/sign-in/confirm/?next=/"),
    "person-deactivate": at("/people/2/active/"),
    "attention": at("/attention/"),
    "attention-snooze": about_to_snooze,
    "attention-snoozed": snoozed,
    "attention-none-fits": at("/attention/?tag=nothing-like-it"),
    "connections": at("/connections/"),
    "connections-none-fits": at("/connections/?q=nothing-like-it"),
    "connections-tested": tested_in_the_list,
    "connections-message": messages,
    "connections-bulk-test": bulk_test,
    "providers": at("/connections/add/"),
    **{f"add-{one.id}": at(f"/connections/add/{one.id}/") for one in _together(all_providers())},
    "add-with-errors": form_with_errors,
    "add-tested-good": form_after_a_good_test,
    "add-tested-bad": form_after_a_bad_test,
    "detail": of("OpenAI production"),
    "detail-failed": of("OpenAI evaluation"),
    "detail-reference-missing": of("Anthropic"),
    "detail-cannot-decrypt": of("Company gateway"),
    "detail-not-allowed": not_allowed,
    "allow": about_to_allow,
    "detail-provider-gone": of("vLLM in the basement"),
    "edit": of("OpenAI evaluation", "edit/"),
    "edit-everything-open": every_part_open,
    "edit-meanwhile": edited_meanwhile,
    "rows": of("Document search", "edit/"),
    "rows-with-errors": rows_with_errors,
    "rows-removed": rows_removed,
    "rows-detail": of("Document search"),
    "delete": of("Bedrock Frankfurt", "delete/"),
    "switch-off": about_to_switch_off,
    "delete-refused": of("OpenAI production", "delete/"),
    "replace-key": of("OpenAI production", "replace-key/"),
    "leaked": of("OpenAI production", "leaked/"),
    "find-key": at("/connections/find-key/"),
    "find-key-not-ours": key_not_ours,
    "profiles": at("/profiles/"),
    "profiles-none-fits": at("/profiles/?q=nothing-like-it"),
    "capabilities": at("/profiles/add/"),
    "add-chat": at("/profiles/add/chat/"),
    "add-embedding": at("/profiles/add/embedding/"),
    "add-chat-models": profile_with_models,
    "add-chat-errors": profile_with_errors,
    "profile": of("Helpdesk answers"),
    "playground": conversation,
    "playground-refused": conversation_refused,
    "playground-alone": of("Helpdesk answers", "playground/"),
    "profile-edit": of("Helpdesk answers", "edit/"),
    "profile-edit-everything-open": profile_with_everything_open,
    "profile-delete": of("Helpdesk answers", "delete/"),
    "profile-delete-refused": of("Rehearsal", "delete/"),
    "usage": at("/usage/"),
    "usage-week": every_number_of_usage,
    "usage-record": at(f"/usage/{UUID(REQUEST)}/"),
    "usage-by-connection": at("/usage/?by=connection&period=30d"),
    "requests": at("/usage/requests/?period=7d"),
    "requests-filtered": at("/usage/requests/?period=30d&outcome=failed"),
    "requests-none-fits": at("/usage/requests/?user=nobody-like-it"),
    "usage-none-fits": at("/usage/?profile=nothing-like-it&outcome=odd"),
    "references": at("/references/"),
    "find": at("/find/?q=openai"),
    "document": at("/docs/gateway/"),
    "document-search": at("/docs/search/?q=rotate+a+key"),
    "find-nothing": at("/find/?q=nothing-like-it"),
    "keys": at("/find/keys/"),
    "palette": palette,
    "keys-dialog": keys_dialog,
    "hosts": at("/references/hosts/"),
    "detail-asks-for-host": of("Evening copy"),
    "detail-former-alias": of("Azure OpenAI Sweden"),
    "profile-former-alias": of("Draft translations"),
    "alias": of("Azure OpenAI Sweden", "alias/"),
    "versions": of("Mistral", "versions/"),
    "version": of("Mistral", "versions/1/"),
    "profile-versions": of("Draft translations", "versions/"),
    "team-versions": at("/versions/defaults/all/"),
    "deleted": at("/deleted/"),
    "deleted-restore": about_to_restore,
    "alias-refused": alias_refused,
    "alias-taken-away": about_to_take_away("Azure OpenAI Sweden"),
    "profile-alias-taken-away": about_to_take_away("Draft translations"),
    "defaults": at("/settings/"),
    "audit": at("/audit/"),
    "audit-filtered": at("/audit/?kind=connection&verb=create"),
    "audit-event": an_event,
    "audit-nothing": at("/audit/?q=nothing-like-it"),
    "audit-streams": at("/audit/streams/"),
    "own-acts": at("/audit/mine/"),
    "tokens": at("/tokens/"),
    "token-made": token_made,
    "token-revoke": token_about_to_end,
    "token-renew": token_about_to_renew,
    "token-renewed": token_renewed,
    "token-refused": token_refused,
    "flow-tokens": at("/tokens/flows/"),
    "flow-token-made": flow_token_made,
    "flow-token-revoke": flow_token_about_to_end,
    "flow-token-refused": flow_token_refused,
    "flow-reads-none": at("/tokens/flows/reads/"),
    "flow-reads": flow_reads,
    "password": at("/password/"),
    "password-refused": password_refused,
    "sign-in": sign_in_form,
    "sign-in-refused": refused_sign_in,
    "404": at("/connections/add/no-such-provider/"),
}
WIDER = """() => [...document.querySelectorAll('body *')]
  .filter(one => !one.closest('.scroll, .skip'))
  .filter(one => Math.max(one.getBoundingClientRect().right, one.scrollWidth) > innerWidth + 1)
  .map(one => one.outerHTML.slice(0, 120))"""


def too_wide(page: Page) -> list[str]:
    """What sticks out of a phone's screen."""
    page.set_viewport_size(PHONE)
    if page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
        return []
    return page.evaluate(WIDER) or ["the page"]


SPACED = """() => {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important } p { margin-bottom: 2em !important }`)
  document.adoptedStyleSheets = [sheet]
}"""


def too_wide_when_spaced(page: Page) -> list[str]:
    """What sticks out at 320 pixels, once as it is and once spaced as WCAG 1.4.12 says."""
    found = []
    page.set_viewport_size({"width": 320, "height": 640})
    for spacing in ("() => {}", SPACED):
        page.evaluate(spacing)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found += page.evaluate(WIDER) or ["the page"]
    return found


EMPTY = {
    "empty-dashboard": "/",
    "empty-attention": "/attention/",
    "empty-connections": "/connections/",
    "empty-profiles": "/profiles/",
    "empty-usage": "/usage/",
    "empty-references": "/references/",
    "empty-hosts": "/references/hosts/",
    "empty-add-chat": "/profiles/add/chat/",
}


@pytest.fixture(params=SCENES)
def scene(request: pytest.FixtureRequest, open_page: OpenPage, gallery: Gallery) -> Page:
    """An administrator's page in one state after the other."""
    page = open_page("administrator")
    SCENES[request.param](page, gallery)
    return page
