"""Sign-ins and what becomes of sessions, second factors and passwords, as events tell them."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from backoffice.people import services
from connections.audit.bounded import forget
from connections.models import ApiToken, AuditEvent
from tests.backoffice.people.oidc.conftest import acme  # noqa: F401
from tests.backoffice.people.test_second_factor import SECRET, after_password, code_of, with_app  # noqa: F401
from tests.connections.api.calls import token_of
from tests.event_doors import events, last
from tests.events import body_of
from tests.people import PASSWORD, browser

pytestmark = pytest.mark.django_db
TYPED = "my-own-password-in-the-wrong-field"


@pytest.fixture(autouse=True)
def _nothing_before() -> None:
    forget()


def sign_in(name: str = "olaf", password: str = PASSWORD, client: Client | None = None) -> Client:
    client = client or Client()
    client.post("/sign-in/", {"username": name, "password": password}, REMOTE_ADDR="192.0.2.7")
    return client


def told() -> list[tuple[str, str, str]]:
    return [(one.action, one.outcome, one.code) for one in events()]


def test_a_sign_in_says_who_from_where_and_by_what(operator: User):
    sign_in()
    assert told() == [("person.sign_in", "done", "")]
    assert (last().actor_name, last().object_id) == ("olaf", str(operator.pk))
    assert (last().surface, last().address) == ("page", "192.0.2.7")
    assert body_of(last())["detail"] == {"with": "password"}


def test_a_second_factor_is_told_and_a_wrong_code_too(with_app: User):  # noqa: F811
    client = after_password()
    client.post("/sign-in/code/", {"code": "000000"})
    client.post("/sign-in/code/", {"code": code_of(SECRET)})
    of_sign_in = [one for one in told() if one[0] == "person.sign_in"]
    assert of_sign_in == [
        ("person.sign_in", "refused", "wrong_code"),
        ("person.sign_in", "done", ""),
    ]
    assert body_of(last())["detail"]["with"] == "password, totp"


def test_a_wrong_password_names_the_account_and_nobody_as_its_actor(operator: User):
    sign_in(password="wrong")
    assert told() == [("person.sign_in", "refused", "wrong_password")]
    assert (last().object_name, last().actor_kind) == ("olaf", "nobody")


def test_what_is_typed_as_a_name_is_told_by_a_hash(operator: User):
    sign_in(TYPED, "x")
    sign_in(TYPED, "y")
    first, second = (body_of(one)["detail"] for one in events())
    assert first == second and first["tried"].startswith("unknown-")
    rows = AuditEvent.objects.values()
    assert TYPED not in str([*rows]) and last().object_name == ""


def test_attempts_beyond_the_limit_leave_one_event_a_minute(operator: User):
    for _ in range(20):
        sign_in(password="wrong")
    codes = [one.code for one in events()]
    assert codes == ["wrong_password"] * 5 + ["too_many"]


def test_garbage_for_a_passkey_leaves_one_event_a_minute(db: None):
    for _ in range(5):
        Client().post("/sign-in/passkey/", {"credential": "[1]"})
    assert told() == [("person.sign_in", "refused", "wrong_passkey")]


def test_signing_out_is_told(operator: User):
    browser(operator).post("/sign-out/")
    assert told() == [("person.sign_out", "done", "")]


def test_a_session_whose_time_is_over_is_told(operator: User, settings: Any):
    client = browser(operator)
    settings.SIGN_IN_IDLE_HOURS = -1
    client.get("/")
    assert told() == [("session.end", "done", "")]
    assert body_of(last())["detail"] == {"because": "its time"}


def test_a_password_of_ones_own_is_told_with_what_it_ends(operator: User):
    token_of(operator)
    client = sign_in()
    sign_in()
    new = "a better battery 17"
    posted = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    client.post("/password/", posted)
    assert (last().action, last().actor_name) == ("password.update", "olaf")
    assert ["tokens", "1", "0"] in body_of(last())["changes"]
    assert ApiToken.objects.get().revoked_at is not None
    assert not any(text in str([*AuditEvent.objects.values()]) for text in (PASSWORD, new))


def test_a_wrong_old_password_is_a_refused_proof(operator: User):
    client = browser(operator)
    client.post("/password/", {"old_password": "x", "new_password1": "y", "new_password2": "y"})
    assert told() == [("identity.confirm", "refused", "wrong_password")]
    assert last().actor_name == "olaf"


def test_a_wrong_fresh_proof_is_told(operator: User):
    browser(operator).post("/sign-in/confirm/", {"password": "wrong"})
    assert told() == [("identity.confirm", "refused", "wrong_password")]


def test_an_app_and_its_codes_are_told_when_they_come_and_go(operator: User):
    client = sign_in()
    page = client.get("/your-sign-in/app/")
    secret = page.context["form"].secret
    client.post("/your-sign-in/app/", {"code": "000000"})
    client.post("/your-sign-in/app/", {"code": code_of(secret)})
    client.post("/your-sign-in/codes/new/")
    client.post("/your-sign-in/app/remove/")
    assert told()[1:] == [
        ("second_factor.create", "refused", "wrong_code"),
        ("second_factor.create", "done", ""),
        ("recovery_codes.create", "done", ""),
        ("recovery_codes.create", "done", ""),
        ("second_factor.delete", "done", ""),
    ]
    assert secret not in str([*AuditEvent.objects.values()])


def test_a_recovery_code_is_told_when_it_is_used(with_app: User):  # noqa: F811
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    code = RecoveryCodes.activate(with_app).get_unused_codes()[0]
    after_password().post("/sign-in/code/", {"code": code})
    assert [one.action for one in events()][-2:] == ["recovery_codes.use", "person.sign_in"]
    assert body_of(last())["detail"]["with"] == "password, recovery_codes"
    assert code not in str([*AuditEvent.objects.values()])


def test_recovery_codes_are_told_when_they_are_shown(operator: User):
    client = sign_in()
    secret = client.get("/your-sign-in/app/").context["form"].secret
    client.post("/your-sign-in/app/", {"code": code_of(secret)})
    client.get("/your-sign-in/codes/")
    client.get("/your-sign-in/codes/download/")
    assert [one.action for one in events()][-2:] == ["recovery_codes.read"] * 2


def test_a_superuser_of_a_command_of_djangos_is_told(db: None):
    call_command("createsuperuser", username="root", email="", interactive=False)
    assert told() == [("person.create", "done", "")] and last().object_name == "root"


def test_who_sees_pages_as_another_and_wants_to_do_something_is_told(
    administrator: User, operator: User
):
    client = browser(administrator)
    client.post(f"/people/{operator.pk}/view-as/")
    client.post("/connections/")
    client.get("/your-sign-in/")
    assert [one[:2] for one in told()] == [("viewing.begin", "done")] + [
        ("viewing.use", "refused")
    ] * 2
    assert last().actor_name == "ada" and last().object_name == "olaf"


def test_the_password_of_another_person_tells_who_set_it(administrator: User, operator: User):
    services.set_password(operator, "a better battery 17", actor=administrator)
    assert (last().actor_name, last().object_name) == ("ada", "olaf")
    assert Authenticator.objects.count() == 0 and last().body == ""
