"""Signing in: limits, what an answer tells, what the log has, other doors."""

import logging
import re
import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from backoffice.people import hashing
from backoffice.people.models import SignInLimit
from backoffice.people.signin import limits
from tests.pages import told, words
from tests.people import PASSWORD, browser

pytestmark = pytest.mark.django_db
LOG = "backoffice.people.signin"


def sign_in(name="olaf", password=PASSWORD, *, client=None, address="192.0.2.1", **more):
    posted = {"username": name, "password": password, **more}
    return (client or Client()).post("/sign-in/", posted, REMOTE_ADDR=address)


def fail(times, name="olaf", **where):
    return [sign_in(name, f"wrong {number}", **where) for number in range(times)]


@pytest.mark.server
def test_after_sixty_wrong_passwords_the_right_one_is_refused_from_everywhere(operator):
    statuses = [answer.status_code for answer in fail(60)]
    assert statuses == [200] * 5 + [429] * 55
    for address in ("192.0.2.1", "198.51.100.7"):
        right, wrong = sign_in(address=address), sign_in(password="wrong", address=address)
        assert (right.status_code, wrong.status_code) == (429, 429)
        assert abs(int(right["Retry-After"]) - int(wrong["Retry-After"])) < 10
        assert re.sub("[0-9]", "", words(right)) == re.sub("[0-9]", "", words(wrong))
        assert "sessionid" not in right.cookies


def test_waits_grow_to_a_quarter_of_an_hour_and_are_over_then(operator):
    waits = []
    for _ in range(12):
        answer = sign_in(password="wrong")
        if answer.status_code == 429:
            waits.append(int(answer["Retry-After"]))
            SignInLimit.objects.update(until=timezone.now())
            sign_in(password="wrong")
    SignInLimit.objects.update(until=timezone.now())
    assert waits[:4] == [30, 60, 120, 240] and max(waits) <= 900
    assert sign_in().status_code == 302


def test_an_account_that_is_not_there_answers_as_one_that_is(operator, viewer):
    viewer.is_active = False
    viewer.save()
    answers = {name: fail(8, name) for name in ("olaf", "nobody-like-that", "vera")}
    seen = {
        name: [(one.status_code, "Retry-After" in one, sorted(one.cookies)) for one in found]
        for name, found in answers.items()
    }
    assert seen["olaf"] == seen["nobody-like-that"] == seen["vera"]
    assert len({words(found[0]) for found in answers.values()}) == 1


@pytest.mark.parametrize("name", ["olaf", "nobody-like-that"])
def test_each_wrong_password_costs_one_hash(operator, monkeypatch, name):
    asked = []
    verify = hashing.verify_password
    monkeypatch.setattr(
        hashing, "verify_password", lambda *both: asked.append(both) or verify(*both)
    )
    fail(7, name)
    assert len(asked) == 5


def test_one_address_is_limited_over_many_names(operator, monkeypatch):
    monkeypatch.setitem(limits.FREE, "address", 6)
    statuses = [sign_in(f"name-{number}", "wrong").status_code for number in range(8)]
    assert statuses == [200] * 6 + [429] * 2
    assert sign_in().status_code == 429
    assert sign_in(address="198.51.100.7").status_code == 302


def test_an_address_of_ipv6_counts_with_its_network():
    one, two = "2001:db8:1:2::5", "2001:db8:1:2:ffff::9"
    assert limits.of_address(one) == limits.of_address(two)
    assert limits.of_address(one) != limits.of_address("2001:db8:1:3::5")


def test_who_signed_in_before_is_not_locked_out_by_others(operator):
    mine = Client()
    sign_in(client=mine)
    mine.post("/sign-out/")
    fail(20)
    answer = sign_in(client=mine)
    assert answer.status_code == 302
    assert told(answer) == [
        "20 sign-ins with your name failed since you signed in last. If that was not you, tell an "
        "administrator."
    ]
    assert [one.status_code for one in fail(7, client=Client())][-1] == 429


def test_a_known_browser_is_limited_too(operator):
    mine = Client()
    sign_in(client=mine)
    mine.post("/sign-out/")
    assert [one.status_code for one in fail(7, client=mine)] == [200] * 5 + [429] * 2


@pytest.mark.server
def test_attempts_at_once_are_counted_before_they_are_judged(operator):
    found = limits.of_account("olaf")
    waits = [limits.begin([found], found) for _ in range(7)]
    assert [bool(wait) for wait in waits] == [False] * 5 + [True] * 2


def test_limits_hold_without_a_cache(operator, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    assert [one.status_code for one in fail(7)] == [200] * 5 + [429] * 2


def test_what_is_counted_names_nobody(operator):
    fail(1)
    fail(1, "a password, typed as a name")
    kept = str(list(SignInLimit.objects.values()))
    assert "olaf" not in kept and "password" not in kept and "192.0.2.1" not in kept


def test_too_many_hashes_at_once_are_refused_and_not_counted(operator, monkeypatch):
    monkeypatch.setattr(hashing, "_places", threading.BoundedSemaphore(1))
    with hashing._places:
        answer = sign_in()
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert sign_in().status_code == 302


def test_the_log_has_account_address_and_agent_and_no_password(operator, caplog):
    agent = "Evil\r\n2026-01-01 INFO forged"
    with caplog.at_level(logging.INFO, LOG):
        Client(headers={"User-Agent": agent}).post(
            "/sign-in/", {"username": "olaf", "password": "hunter2-hunter2"}
        )
        sign_in("hunter2-as-a-name", "x")
        sign_in()
    wrong, unknown, right = [one.getMessage() for one in caplog.records if one.name == LOG]
    assert wrong == (
        "Sign-in: failed, wrong name or password; "
        'account="olaf" address=127.0.0.1 agent="Evil\\r\\n2026-01-01 INFO forged"'
    )
    assert "account=unknown-" in unknown
    assert right.startswith('Sign-in: succeeded; account="olaf" address=192.0.2.1')
    assert "hunter2" not in caplog.text


def test_old_counts_are_deleted(operator):
    fail(1)
    SignInLimit.objects.update(last_at=timezone.now() - timedelta(days=31))
    assert limits.prune() == "2 counts of failed sign-ins deleted."


def test_a_short_password_of_before_still_lets_in_and_a_new_one_has_twelve_characters(operator):
    operator.set_password("short")
    operator.save()
    client = Client()
    assert sign_in(password="short", client=client).status_code == 302
    new = {"old_password": "short", "new_password1": "eleven-char", "new_password2": "eleven-char"}
    assert "at least 12 characters" in words(client.post("/password/", new))


def test_an_old_hash_is_renewed_and_ends_nothing(operator, settings):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    mine = browser(operator)
    assert sign_in().status_code == 302
    assert User.objects.get(pk=operator.pk).password.startswith("scrypt")
    assert User.objects.get(pk=operator.pk).check_password(PASSWORD)
    assert mine is not None


def test_the_admin_has_no_door_of_its_own(operator):
    posted = {"username": "olaf", "password": PASSWORD}
    answer = Client().post("/admin/login/?next=/admin/", posted)
    assert answer["Location"] == "/sign-in/?next=%2Fadmin%2F"
    assert browser(operator).post("/admin/password_change/", posted)["Location"] == "/password/"


def test_guessing_the_old_password_on_the_password_page_is_limited(operator):
    client = browser(operator)
    posted = {"old_password": "wrong", "new_password1": "x", "new_password2": "x"}
    pages = [words(client.post("/password/", posted)) for _ in range(6)]
    assert "Too many attempts" not in pages[4] and "Too many attempts" in pages[5]
