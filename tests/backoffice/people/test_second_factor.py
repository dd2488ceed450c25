"""An authenticator app, recovery codes, who must have one, and taking it away."""

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client

from backoffice.people import services
from backoffice.people.models import SecondFactorSecret, SignInLimit
from backoffice.people.signin.factors import keep_secret
from connections.services import Invalid, key_report, rotate_credentials
from tests.fakes import NEWEST_KEY, OLDER_KEY
from tests.pages import words
from tests.people import PASSWORD, browser

pytestmark = pytest.mark.django_db
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
APP = "/your-sign-in/app/"


def code_of(secret: str, later: int = 0) -> str:
    return totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30 + later))


@pytest.fixture
def with_app(operator):
    """An operator with an authenticator app."""
    Authenticator.objects.create(
        user=operator, type=Authenticator.Type.TOTP, data={"secret": keep_secret(SECRET)}
    )
    return operator


def after_password(**posted) -> Client:
    client = Client()
    answer = client.post("/sign-in/", {"username": "olaf", "password": PASSWORD, **posted})
    assert answer["Location"] == "/sign-in/code/"
    return client


def test_an_app_is_set_up_without_javascript_by_drawing_or_text(operator):
    client = browser(operator)
    page = client.get(APP)
    secret = re.search(r"<code>([A-Z2-7 ]{39})</code>", page.text)[1].replace(" ", "")
    assert "<svg" in page.text and "<script" not in page.text.partition('id="main"')[2]
    wrong = client.post(APP, {"code": "000000"})
    assert secret in wrong.text.replace(" ", "") and "not the code of the app" in words(wrong)
    done = client.post(APP, {"code": code_of(secret)})
    assert done["Location"] == "/your-sign-in/codes/"
    codes = re.findall(r"<code>(\d{8})</code>", client.get(done["Location"]).text)
    assert len(codes) == 10
    kept = str(
        [*Authenticator.objects.values(), *(one.get_decoded() for one in Session.objects.all())]
    )
    assert secret not in kept and not any(code in kept for code in codes)


def test_the_password_alone_lets_nobody_in_and_a_code_does_once(with_app):
    client = after_password(next="/profiles/")
    assert client.get("/profiles/").status_code == 302
    code = code_of(SECRET)
    assert client.post("/sign-in/code/", {"code": code})["Location"] == "/profiles/"
    cache.clear()  # another worker
    again = after_password().post("/sign-in/code/", {"code": code})
    assert again.status_code == 200 and "used already" in words(again)


def test_what_was_typed_waits_for_the_code_too(with_app):
    client = after_password(next="/connections/add/openai/", typed='[["name", "Half a form"]]')
    done = client.post("/sign-in/code/", {"code": code_of(SECRET)})
    assert 'value="Half a form"' in client.get(done["Location"]).text


def test_codes_are_limited_over_sessions(with_app):
    pages = [
        words(after_password().post("/sign-in/code/", {"code": f"{number:06}"}))
        for number in range(6)
    ]
    assert "Too many attempts" not in pages[4] and "Too many attempts" in pages[5]
    right = after_password().post("/sign-in/code/", {"code": code_of(SECRET)})
    assert right.status_code == 200


def test_a_recovery_code_lets_in_once(with_app):
    client = browser(with_app)
    client.post("/your-sign-in/codes/new/")
    codes = re.findall(r"<code>(\d{8})</code>", client.get("/your-sign-in/codes/").text)
    assert after_password().post("/sign-in/code/", {"code": codes[0]})["Location"] == "/"
    assert after_password().post("/sign-in/code/", {"code": codes[0]}).status_code == 200
    assert "9 codes are left" in words(client.get("/your-sign-in/"))


def test_a_secret_that_no_key_opens_fits_no_code(with_app, settings):
    settings.FERNET_KEYS = [OLDER_KEY]
    client = after_password()
    for code in (code_of(SECRET), totp.format_hotp_value(totp.hotp_value("", 0))):
        assert client.post("/sign-in/code/", {"code": code}).status_code == 200


def test_secrets_of_second_factors_are_rotated(with_app, settings):
    settings.FERNET_KEYS = [OLDER_KEY, NEWEST_KEY]
    assert rotate_credentials() == 1
    settings.FERNET_KEYS = [OLDER_KEY]
    assert key_report().unreadable == 0
    assert after_password().post("/sign-in/code/", {"code": code_of(SECRET)})["Location"] == "/"


@pytest.mark.parametrize("named", ["Operators", "operators", "everybody"])
def test_who_must_have_a_second_factor_sees_no_other_page_before(operator, settings, named):
    settings.SIGN_IN_SECOND_FACTOR = [named]
    client = browser(operator)
    assert client.get("/connections/")["Location"] == "/your-sign-in/"
    refused = client.get("/api/v1/connections")
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_needed")
    assert "Your role needs a second factor" in words(client.get("/your-sign-in/"))
    assert [client.get(one).status_code for one in (APP, "/your-sign-in/passkeys/add/")] == [
        200,
        200,
    ]


def test_who_has_one_or_need_not_have_one_goes_on(with_app, viewer, settings):
    settings.SIGN_IN_SECOND_FACTOR = ["Operators"]
    statuses = [browser(one).get("/connections/").status_code for one in (with_app, viewer)]
    assert statuses == [200, 200]
    page = browser(with_app).get("/your-sign-in/app/remove/")
    assert "the only one that you have" in words(page)


def test_superusers_count_as_administrators(admin_user, settings):
    settings.SIGN_IN_SECOND_FACTOR = ["Administrators"]
    assert browser(admin_user).get("/connections/")["Location"] == "/your-sign-in/"


def test_an_administrator_takes_away_the_factor_of_a_lost_phone(with_app, administrator):
    theirs, mine = browser(with_app), browser(administrator)
    path = f"/people/{with_app.pk}/second-factor/"
    assert "authenticator app" in words(mine.get(f"/people/{with_app.pk}/"))
    assert mine.get(path).status_code == 200
    mine.post(path)
    assert theirs.get("/connections/").status_code == 302
    answer = Client().post("/sign-in/", {"username": "olaf", "password": PASSWORD})
    assert answer["Location"] == "/"
    assert not SecondFactorSecret.objects.exists()


def test_nobody_takes_away_that_of_who_may_more_nor_their_own(with_app, administrator, admin_user):
    page = f"/people/{admin_user.pk}/second-factor/"
    assert browser(administrator).post(page).status_code == 403
    assert browser(with_app).post(f"/people/{administrator.pk}/second-factor/").status_code == 403
    with pytest.raises(Invalid):
        services.remove_second_factor(administrator, actor=administrator)


def test_a_code_confirms_too(with_app):
    client = browser(with_app)
    answer = client.post("/sign-in/confirm/code/?next=/profiles/", {"code": code_of(SECRET)})
    assert answer["Location"] == "/profiles/"
    assert SignInLimit.objects.filter(failures__gt=0).count() == 0


def test_the_address_of_passkeys_answers_options_without_a_session_of_anybody():
    found = Client().get("/sign-in/passkey/", headers={"Accept": "application/json"}).json()
    assert found["request_options"]["publicKey"]["userVerification"] == "required"


@pytest.mark.parametrize("credential", ["", "{}", '{"id": 7}', "[]", "x" * 5000])
def test_a_passkey_that_is_none_leads_back_to_the_sign_in(credential):
    answer = Client().post("/sign-in/passkey/", {"credential": credential})
    assert answer["Location"] == "/sign-in/"
