"""The playground in the browser: the answer is read while it comes, with and without JavaScript it
is the same conversation.
"""

import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from tests.gateway.upstream import SAID, Upstream

from .conftest import OpenPage, Server, add_connection, add_profile, press, submit
from .test_accessibility import violations
from .test_keyboard import tab_to

pytestmark = pytest.mark.usefixtures("no_rows")
HOSTILE = "<img src=/sign-out/ onerror=alert(1)><script>alert(2)</script>"
SLOW = "words?chunks=40&delay=0.1"


@pytest.fixture
def service() -> Iterator[Upstream]:
    """A service that answers as the model's name says."""
    with Upstream() as service:
        yield service


def open_profile(
    page: Page,
    service: Upstream | None = None,
    model: str = "echo-1",
    capability: str = "chat",
    **settings: str,
) -> str:
    """Opens the page of a profile, of Echo unless a service is named. Gives its address."""
    if service:
        add_connection(page, "openai-compatible", "Service", base_url=service.url, max_retries="0")
    else:
        add_connection(page, "echo", "Echo")
    address = add_profile(
        page, "service" if service else "echo", "Rehearsal", model, capability, **settings
    )
    page.goto(address)
    return address


def send(page: Page, message: str) -> None:
    page.get_by_label("Message").fill(message)
    press(page, "Send")


def turns(page: Page) -> list[str]:
    return page.get_by_role("log").locator(".said").all_inner_texts()


def fact(page: Page, name: str) -> str:
    return page.locator(f"dd[data-fact={name}]").inner_text()


def last_outcome(server: Server) -> str:
    """What the newest usage record says, once it is written."""
    time.sleep(1)
    with closing(server.sqlite()) as database:
        return str(
            database.execute("SELECT outcome FROM gateway_usagerecord ORDER BY id DESC").fetchone()[
                0
            ]
        )


def test_a_conversation_is_led(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    open_profile(page)
    send(page, "one two")
    expect(page.get_by_role("log")).to_contain_text("Echo: one two")
    expect(page.get_by_label("Message")).to_have_value("")
    send(page, "three")
    expect(page.get_by_role("log")).to_contain_text("Echo: three")
    assert turns(page) == ["one two", "Echo: one two", "three", "Echo: three"]
    expect(page.locator("dd[data-fact=input_tokens]")).to_have_text(
        "6"
    )  # both before are sent along
    assert [
        fact(page, name) for name in ("output_tokens", "connection", "profile", "attempts")
    ] == ["2", "echo", "rehearsal", "1"]
    assert fact(page, "latency_ms").endswith("ms")
    press(page, "Clear the conversation")
    expect(page.locator(".said")).to_have_count(0)
    send(page, "four")
    expect(page.locator("dd[data-fact=input_tokens]")).to_have_text("1")


def test_an_answer_is_read_while_it_comes(open_page: OpenPage, service: Upstream):
    page = open_page("operator")
    address = open_profile(page, service, SLOW)
    send(page, "Hello")
    expect(page.get_by_role("log")).to_have_attribute("aria-busy", "true")
    expect(page.get_by_role("log")).to_contain_text("Grüße")
    assert len(turns(page)[1]) < 10 * len(SAID)
    assert page.url.endswith(address)
    expect(page.get_by_role("log")).to_have_attribute("aria-busy", "false")
    assert turns(page)[1] == 10 * SAID


def test_an_answer_can_be_stopped(open_page: OpenPage, service: Upstream, server: Server):
    page = open_page("operator")
    open_profile(page, service, SLOW)
    send(page, "Hello")
    expect(page.get_by_role("log")).to_contain_text("Grüße")
    press(page, "Stop")
    expect(page.get_by_role("alert")).to_contain_text("You stopped the answer.")
    expect(page.get_by_label("Message")).to_have_value("Hello")
    expect(page.get_by_label("Message")).to_be_focused()
    assert service.of(SLOW)[0].hung_up.wait(5), "the request to the service goes on"
    assert last_outcome(server) == "client_closed"


def test_a_cleared_conversation_ends_a_running_answer(open_page: OpenPage, service: Upstream):
    page = open_page("operator")
    open_profile(page, service, SLOW)
    send(page, "Hello")
    expect(page.get_by_role("log")).to_contain_text("Grüße")
    press(page, "Clear the conversation")
    assert service.of(SLOW)[0].hung_up.wait(5)
    expect(page.locator(".said")).to_have_count(0)
    expect(page.get_by_role("alert")).to_be_hidden()


@pytest.mark.parametrize(
    ("model", "said"),
    [("stops", "ended in the middle"), ("status?code=401", "does not accept the credentials")],
)
def test_a_failure_is_told_and_the_message_stays(
    open_page: OpenPage, service: Upstream, javascript: bool, model: str, said: str
):
    page = open_page("operator", javascript)
    open_profile(page, service, model)
    send(page, "Hello")
    expect(page.get_by_role("alert")).to_contain_text(said)
    expect(page.get_by_label("Message")).to_have_value("Hello")
    expect(page.locator("dd[data-fact=connection] a")).to_have_attribute(
        "href", "/connections/?q=service"
    )
    expect(page.locator("[name=history]")).to_have_value("")


def test_an_inactive_profile_says_so(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    address = open_profile(page)
    submit(page, f"{address}toggle/", is_active="false")
    page.goto(address)
    send(page, "Hello")
    expect(page.get_by_role("alert")).to_contain_text("The profile rehearsal is switched off.")


def test_variables_and_overrides_are_sent(open_page: OpenPage, service: Upstream, javascript: bool):
    page = open_page("operator", javascript)
    open_profile(page, service, "words", system_prompt_template="Be {tone}.", temperature="0.3")
    page.get_by_label("tone").fill("kind")
    page.get_by_text("Instead of the profile's settings").click()
    assert page.locator("[name=temperature]").get_attribute("placeholder") == "0.3"
    page.locator("[name=temperature]").fill("0.9")
    page.locator("[name=max_tokens]").fill("50")
    send(page, "Hello")
    expect(page.get_by_role("log")).to_contain_text(SAID.strip())
    sent = service.of("words")[0].body
    assert (sent["messages"][0]["content"], sent["temperature"], sent["max_tokens"]) == (
        "Be kind.",
        0.9,
        50,
    )
    page.get_by_text("The same call by curl and in Python").click()
    expect(page.get_by_label("Python")).to_contain_text(
        'extra_body={"variables": {"tone": "kind"}}'
    )
    expect(page.get_by_label("curl", exact=True)).to_contain_text('"temperature": 0.9')


def test_what_a_model_says_is_never_markup(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    open_profile(page)
    send(page, HOSTILE)
    expect(page.get_by_role("log")).to_contain_text(f"Echo: {HOSTILE}")
    assert page.get_by_role("log").locator("img, script").count() == 0


def test_a_vector_is_shown(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    open_profile(page, model="echo-embedding-1", capability="embedding")
    page.get_by_label("Text").fill("one two")
    press(page, "Send")
    expect(page.get_by_role("status").filter(has_text="8 dimensions")).to_be_visible()
    assert page.locator(".vector li").count() == 8
    assert fact(page, "input_tokens") == "2"


def test_a_lost_session_is_told(open_page: OpenPage):
    page = open_page("operator")
    open_profile(page)
    cookies = [one for one in page.context.cookies() if one["name"] != "sessionid"]
    page.context.clear_cookies()
    page.context.add_cookies(cookies)
    send(page, "Hello")
    expect(page.get_by_role("alert")).to_contain_text("You are signed out.")
    expect(page.get_by_label("Message")).to_have_value("Hello")


def test_viewers_see_no_form(open_page: OpenPage):
    page = open_page("administrator")
    address = open_profile(page)
    expect(page.get_by_role("heading", name="Playground")).to_be_visible()
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    page = open_page("viewer")
    page.goto(address)
    expect(page.get_by_role("heading", name="Changes")).to_be_visible()
    expect(page.get_by_role("heading", name="Playground")).to_have_count(0)
    expect(page.get_by_role("button", name="Send")).to_have_count(0)


def test_keyboard_alone_leads_a_conversation(open_page: OpenPage, javascript: bool):
    page = open_page("operator", javascript)
    open_profile(page)
    tab_to(page, "Message")
    page.keyboard.type("Hello")
    if javascript:
        page.keyboard.press("Control+Enter")
        expect(page.get_by_role("log")).to_contain_text("Echo: Hello")
        expect(page.get_by_label("Message")).to_be_focused()
    else:
        tab_to(page, "Send")
        page.keyboard.press("Enter")
        expect(page.get_by_role("log")).to_contain_text("Echo: Hello")


def test_a_conversation_has_no_violation(open_page: OpenPage):
    page = open_page("operator")
    open_profile(page, system_prompt_template="Be {tone}.")
    page.get_by_label("tone").fill("kind")
    for details in page.locator("#playground summary").all():
        details.click()
    send(page, "Hello")
    expect(page.get_by_role("log")).to_contain_text("Echo: Hello")
    assert violations(page) == []
