"""What every answer carries, and the pages for when something goes wrong."""

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from backoffice.content_policy import POLICY
from backoffice.middleware import ContentSecurityPolicyMiddleware
from tests.fakes import fake_provider
from tests.pages import html, words
from tests.people import browser

pytestmark = pytest.mark.django_db

ANSWERS = [
    *[
        ("/", 200),
        ("/connections/", 200),
        ("/admin/", 200),
        ("/admin/auth/user/", 200),
        ("/password/", 200),
        ("/nowhere/", 404),
    ],
    *[
        ("/connections/add/nobody/", 404),
        ("/connections/bulk/", 405),
        ("/admin", 301),
        ("/static/icon.svg", 200),
    ],
]


@pytest.mark.parametrize(("url", "status"), ANSWERS)
def test_every_answer_carries_the_strict_policy(administrator, settings, url: str, status: int):
    settings.WHITENOISE_USE_FINDERS = True
    response = browser(administrator).get(url)
    assert (response.status_code, response["Content-Security-Policy"]) == (status, POLICY)


@pytest.mark.parametrize("url", ["/static/css/backoffice.css", "/static/js/page.js"])
def test_what_a_page_loads_by_the_dozen_carries_no_policy_of_its_own(settings, url: str):
    settings.WHITENOISE_USE_FINDERS = True
    answer = Client().get(url)
    assert answer.status_code == 200 and answer["X-Content-Type-Options"] == "nosniff"
    assert not {"Content-Security-Policy", "Access-Control-Allow-Origin"} & set(answer.headers)


def test_the_policy_allows_nothing_unsafe_and_no_other_host():
    assert (
        POLICY.startswith("default-src 'self';")
        and "unsafe" not in POLICY
        and "http" not in POLICY
        and "*" not in POLICY
    )


@pytest.mark.parametrize("url", ["/sign-in/", "/connections/", "/nowhere/"])
def test_who_is_not_signed_in_gets_the_policy_too(url: str):
    assert Client().get(url)["Content-Security-Policy"] == POLICY


def test_an_answer_with_a_policy_of_its_own_keeps_it():
    own = HttpResponse(headers={"Content-Security-Policy": "default-src 'none'"})
    answer = ContentSecurityPolicyMiddleware(lambda request: own)(RequestFactory().get("/"))
    assert answer["Content-Security-Policy"] == "default-src 'none'"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Cache-Control", "no-store"),
    ],
)
def test_pages_carry_the_other_headers(viewer, header: str, value: str):
    assert browser(viewer).get("/")[header] == value


def test_cookies_are_not_for_scripts(viewer):
    client = Client()
    client.post("/sign-in/", {"username": "vera", "password": "correct-horse-battery"})
    assert (
        client.cookies["sessionid"]["httponly"] and client.cookies["sessionid"]["samesite"] == "Lax"
    )


def test_a_404_is_a_page_with_a_way_back(viewer):
    response = browser(viewer).get("/nowhere/")
    assert (
        response.status_code == 404
        and "There is nothing here" in words(response)
        and 'href="/"' in html(response)
    )


def test_a_404_repeats_nothing_of_the_address_as_markup(viewer):
    assert "<script>alert" not in html(
        browser(viewer).get("/connections/add/%3Cscript%3Ealert(1)%3C/script%3E/")
    )


def test_a_403_is_a_page_that_says_what_to_do(stranger):
    response = browser(stranger).get("/")
    assert response.status_code == 403 and "Ask an administrator" in words(response)


def test_a_400_is_a_page(viewer):
    response = browser(viewer).get("/", headers={"host": "evil.example.com"})
    assert (
        response.status_code == 400
        and "evil" not in html(response)
        and response["Content-Security-Policy"] == POLICY
    )


def test_a_fault_is_a_page_without_a_stack_trace(operator):
    client = browser(operator)
    client.raise_request_exception = False
    with fake_provider(answer=ZeroDivisionError("inner-detail")):
        response = client.post(
            "/connections/add/fake/", {"name": "A", "settings-api_key": "a-key", "action": "test"}
        )
    assert response.status_code == 500 and "This is a fault of ours" in words(response)
    assert (
        "inner-detail" not in html(response)
        and "Traceback" not in html(response)
        and response["Content-Security-Policy"] == POLICY
    )


def test_htmx_is_sent_to_the_sign_in_page_as_a_whole():
    response = Client().get(
        "/connections/",
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/connections/?page=2"},
    )
    assert response.status_code == 200 and response["HX-Redirect"] == "/sign-in/?next=/connections/"


def test_who_is_signed_in_does_not_see_the_sign_in_page(viewer):
    assert browser(viewer).get("/sign-in/")["Location"] == "/"


def test_a_form_without_a_fresh_token_says_what_to_do():
    response = Client(enforce_csrf_checks=True).post(
        "/sign-in/", {"username": "a", "password": "b"}
    )
    assert response.status_code == 403 and "load the page again" in words(response)
