"""Coming in by a provider: who is let in, as whom, and what is refused."""

import logging
import time
from dataclasses import replace

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.test import Client

from backoffice.identity_providers import TEAM_ROLES
from backoffice.people.models import ProviderSession
from backoffice.people.oidc import services, wire
from connections.models import SUFFIX, Membership
from connections.models.teams import Role
from connections.services import create_team, set_member
from tests.backoffice.people.test_second_factor import SECRET, code_of, with_app  # noqa: F401
from tests.httpserver import Answer
from tests.pages import told, words
from tests.people import PASSWORD, browser

pytestmark = pytest.mark.django_db
LOG = "backoffice.people.signin"
ANN = {"email": "Ann@acme.example", "email_verified": True, "preferred_username": "ann"}


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_newcomer_has_an_account_with_the_role_of_their_groups(acme, settings, people):
    settings.IDENTITY_PROVIDERS = {"acme": acme.ours(roles=(("staff", "Operators"),))}
    client = Client()
    answer = acme.sign_in(client, groups=["staff"], **ANN)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    person = User.objects.get(username="ann@acme.example")
    assert [one.name for one in person.groups.all()] == ["Operators"]
    assert not person.has_usable_password()
    assert client.get("/connections/").status_code == 200


def test_the_request_has_what_the_answer_is_bound_to(acme):
    one, other = acme.begin(Client()), acme.begin(Client())
    assert one["code_challenge_method"] == "S256" and one["scope"].split()[0] == "openid"
    assert "offline_access" in one["scope"]
    for name in ("state", "nonce", "code_challenge"):
        assert one[name] and one[name] != other[name]
    assert one["redirect_uri"] == "http://testserver/sign-in/by/acme/done/"


WRONG = {
    "another nonce": {"claims": {"nonce": "x"}},
    "no nonce": {"claims": {"nonce": None}},
    "another audience": {"claims": {"aud": "somebody-else"}},
    "two audiences and no party": {"claims": {"aud": ["switchboard", "other"]}},
    "made for another party": {"claims": {"azp": "other"}},
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "over": {"claims": {"exp": int(time.time()) - 130}},
    "of the future": {"claims": {"iat": int(time.time()) + 40_000}},
    "no end": {"claims": {"exp": None}},
    "no subject": {"claims": {"sub": None}},
    "an empty subject": {"claims": {"sub": ""}},
    "a subject that is none": {"claims": {"sub": 7}},
    "a long subject": {"claims": {"sub": "s" * 192}},
    "unsigned": {"algorithm": "none"},
    "signed with the secret of the client": {"algorithm": "HS256"},
    "a key that is not published": {"signs": "other"},
    "another key under a published name": {"signs": "other", "head": {"kid": "first"}},
    "no id token": {"gives": {"id_token": None}},
    "an id token that is none": {"gives": {"id_token": "x.y.z"}},
    "a list for an id token": {"gives": {"id_token": ["x"]}},
    "a code that is refused": {"refusal": "invalid_grant"},
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_not_as_it_must_be_lets_nobody_in(acme, case):
    client = Client()
    for name, value in WRONG[case].items():
        setattr(acme, name, value)
    answer = acme.sign_in(client)
    assert answer["Location"] == "/sign-in/" and not is_in(client)
    assert told(answer) == ["The answer of Acme was not accepted. Begin again."]
    assert not User.objects.exists()


def test_a_clock_may_be_two_minutes_off(acme):
    now = int(time.time())
    for claims in ({"iat": now + 110, "nbf": now + 110}, {"exp": now - 110}):
        client = Client()
        acme.sign_in(client, **claims)
        assert is_in(client)


def test_a_new_key_of_the_provider_is_taken(acme, monkeypatch):
    monkeypatch.setattr("backoffice.people.oidc.discovery.KEYS_EVERY", 0)
    acme.sign_in(Client())
    acme.signs, acme.published = "second", ["second", "first"]
    client = Client()
    acme.sign_in(client)
    assert is_in(client) and len(acme.asked("/keys")) == 2


def test_a_state_counts_once_and_for_its_own_browser(acme):
    mine, other = Client(), Client()
    acme.begin(mine)
    used = "This sign-in was used already, or took too long. Begin again."
    assert told(acme.come_back(other)) == [used]
    assert acme.come_back(mine)["Location"] == "/" and is_in(mine)
    assert told(acme.come_back(Client())) == [used] and not is_in(other)
    assert told(acme.come_back(Client(), state="")) == [used]


def test_who_does_not_come_back_leaves_a_short_session(acme):
    client = Client()
    acme.begin(client)
    assert client.session.get_expiry_age() <= 900
    acme.come_back(client)
    assert client.session.get_expiry_age() > 86400


def test_two_tabs_may_be_on_their_way_at_once(acme):
    client = Client()
    first = acme.begin(client)
    acme.begin(client)
    acme.come_back(client)
    acme.asked_for = first
    assert acme.come_back(client)["Location"] == "/" and is_in(client)
    assert User.objects.count() == 1


def test_an_answer_that_names_another_issuer_is_not_taken(acme):
    client = Client()
    acme.begin(client)
    acme.come_back(client, iss="https://evil.example")
    assert not is_in(client) and not acme.asked("/token")


def test_who_gives_up_there_is_told_so(acme):
    client = Client()
    acme.begin(client)
    place = f"/sign-in/by/acme/done/?state={acme.asked_for['state']}&error=access_denied"
    assert told(client.get(place)) == ["You did not sign in at Acme."]


@pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_the_way_back_is_never_to_another_site(acme, page):
    client = Client()
    acme.begin(client, next=page)
    assert acme.come_back(client)["Location"] == "/"


def test_the_way_back_is_to_the_page_that_was_wanted(acme):
    client = Client()
    acme.begin(client, next="/profiles/?x=1")
    assert acme.come_back(client)["Location"] == "/profiles/?x=1"


AWAY = {
    "an error": {"/.well-known/openid-configuration": Answer(500)},
    "a page": {"/.well-known/openid-configuration": Answer(body="<html>")},
    "a list": {"/.well-known/openid-configuration": Answer(body=[])},
    "another issuer": {"/.well-known/openid-configuration": Answer(body={"issuer": "x"})},
    "a slow one": {"/.well-known/openid-configuration": Answer(seconds=5)},
}


@pytest.mark.parametrize("case", AWAY)
def test_a_provider_that_is_away_is_told_in_time_and_asked_once(acme, case, monkeypatch):
    monkeypatch.setattr(wire, "STEP_SECONDS", 0.3)
    acme.answers |= AWAY[case]
    began = time.monotonic()
    for _ in range(3):
        answer = Client().post("/sign-in/by/acme/")
        assert answer["Location"] == "/sign-in/"
        assert "Acme does not answer" in told(answer)[0]
    assert time.monotonic() - began < 3
    assert len(acme.requests) == 1
    assert "Sign in with Acme" in words(Client().get("/sign-in/"))


def test_a_provider_that_goes_away_on_the_way_lets_nobody_in(acme):
    client = Client()
    acme.begin(client)
    acme.answers["/token"] = Answer(503)
    assert "Acme does not answer" in told(acme.come_back(client))[0]


def test_a_local_way_in_stays_when_the_provider_is_away(acme, operator):
    acme.answers.clear()
    answer = Client().post("/sign-in/", {"username": "olaf", "password": PASSWORD})
    assert answer["Location"] == "/" and not acme.requests


def test_only_so_many_wait_for_a_provider(acme, monkeypatch):
    monkeypatch.setattr(wire, "_places", wire.threading.BoundedSemaphore(1))
    with wire.place():
        assert Client().post("/sign-in/by/acme/")["Location"] == "/sign-in/"
    assert not acme.requests


@pytest.mark.parametrize(
    ("rule", "claims", "comes_in"),
    [
        ({"groups": ()}, ANN, False),
        ({"groups": (), "domains": ("acme.example",)}, ANN, True),
        ({"groups": (), "domains": ("acme.example",)}, {**ANN, "email_verified": False}, False),
        ({"groups": (), "domains": ("acme.example",)}, {"email": "a@acme.example"}, False),
        ({"groups": (), "domains": ("acme.example",)}, {**ANN, "email": "a@evil.example"}, False),
        ({"groups": (), "domains": ("acme.example",)}, {**ANN, "email": "acme.example"}, False),
        ({"groups": (), "domains": ("acme.example",)}, {**ANN, "email": ["a@acme.example"]}, False),
        ({"groups": ("staff",)}, {"groups": ["staff", 7, None]}, True),
        ({"groups": ("staff",)}, {"groups": "staff"}, True),
        ({"groups": ("staff",)}, {"groups": {"staff": True}}, False),
        ({"groups": ("staff",)}, {"groups": 7}, False),
        ({"groups": ("staff",)}, {}, False),
        ({"groups": ("staff",)}, {"groups": ["*"]}, False),
        ({"groups": ("staff",), "domains": ("acme.example",)}, {"groups": ["staff"]}, False),
        ({"groups": ("a",), "groups_claim": "realm.roles"}, {"realm": {"roles": ["a"]}}, True),
        ({"groups": ("a",), "groups_claim": "https://x/g"}, {"https://x/g": ["a"]}, True),
        ({"roles": (("staff", "Viewers"),)}, {"groups": ["others"]}, False),
        ({"roles": (("staff", "No such role"),)}, {"groups": ["staff"]}, False),
        ({"roles": (("*", "Viewers"),)}, {}, True),
        (
            {"domains": ("acme.example",), "emails_verified": True},
            {"email": "a@acme.example"},
            True,
        ),
    ],
)
def test_an_account_is_made_by_rule_only(acme, settings, people, rule, claims, comes_in):
    settings.IDENTITY_PROVIDERS = {"acme": acme.ours(**rule)}
    before, client = User.objects.count(), Client()
    acme.sign_in(client, **claims)
    assert is_in(client) is comes_in
    assert User.objects.count() == before + comes_in


@pytest.mark.parametrize(
    ("local", "claims"),
    [
        ({"username": "ann@acme.example"}, ANN),
        ({"username": "anything", "email": "ANN@acme.example"}, ANN),
        ({"username": "Ann"}, ANN),
        ({"username": "olaf"}, {"preferred_username": "olaf"}),
    ],
)
def test_nobody_gets_a_local_account_by_its_name_or_address(acme, local, claims):
    User.objects.create_user(**local, password=PASSWORD)
    client = Client()
    answer = acme.sign_in(client, **claims)
    assert "There is an account here" in told(answer)[0]
    assert not is_in(client) and not SocialAccount.objects.exists()


def test_who_signs_in_locally_first_links_and_comes_in_by_it(acme, operator):
    client = Client()
    client.post("/sign-in/", {"username": "olaf", "password": PASSWORD})
    assert "not linked" in words(client.get("/your-sign-in/"))
    acme.sent_by(client.post("/your-sign-in/link/acme/"))
    assert told(acme.come_back(client)) == ["Acme is linked: you may sign in by it."]
    other = Client()
    acme.sign_in(other)
    assert other.session["_auth_user_id"] == str(operator.pk)


def test_linking_asks_for_a_fresh_proof(acme, operator):
    client = browser(operator)
    session = client.session
    session["signed_in_at"] -= 3600
    session.save()
    answer = client.post("/your-sign-in/link/acme/")
    assert answer["Location"].startswith("/sign-in/confirm/") and not acme.requests


def linked(person: User, subject: str = "subject-1") -> SocialAccount:
    return SocialAccount.objects.create(user=person, provider="acme", uid=subject)


def test_a_subject_belongs_to_one_account(acme, operator, viewer):
    linked(viewer)
    client = Client()
    client.post("/sign-in/", {"username": "olaf", "password": PASSWORD})
    acme.sent_by(client.post("/your-sign-in/link/acme/"))
    assert "linked to another account" in told(acme.come_back(client))[0]
    assert client.session["_auth_user_id"] == str(operator.pk)


def test_whom_an_administrator_expects_is_linked_once(acme, settings, administrator, operator):
    settings.IDENTITY_PROVIDERS = {"acme": acme.ours(groups=())}
    services.expect(operator, "acme", "Ann@ACME.example", actor=administrator)
    first = Client()
    acme.sign_in(first, **{**ANN, "email_verified": False})
    assert not is_in(first)
    acme.sign_in(first, **ANN)
    assert first.session["_auth_user_id"] == str(operator.pk)
    second = Client()
    acme.sign_in(second, sub="subject-2")
    assert not is_in(second)


def test_an_administrator_links_and_unlinks_on_the_page_of_a_person(acme, administrator, operator):
    admin, page = browser(administrator), f"/people/{operator.pk}/providers/"
    assert "Identity providers" in words(admin.get(f"/people/{operator.pk}/"))
    assert "address" in words(admin.post(page, {"provider_key": "acme", "email": "x"}))
    admin.post(page, {"provider_key": "acme", "email": "ann@acme.example"})
    assert "whoever comes next as ann@acme.example" in words(admin.get(page))
    client = Client()
    acme.sign_in(client, **ANN)
    account = SocialAccount.objects.get(user=operator)
    assert browser(operator).post(page, {"unlink": account.pk}).status_code == 403
    assert admin.post(page, {"unlink": "x"}).status_code == 404
    admin.post(page, {"unlink": account.pk})
    assert not SocialAccount.objects.exists() and not ProviderSession.objects.exists()
    assert client.get("/connections/").status_code == 302


def test_a_service_account_and_an_inactive_person_stay_out(acme, operator):
    account = linked(operator)
    operator.is_active = False
    operator.save()
    client = Client()
    assert "not active" in told(acme.sign_in(client))[0]
    User.objects.filter(pk=operator.pk).update(is_active=True, username=f"ci{SUFFIX}")
    assert "does not sign in" in told(acme.sign_in(client))[0]
    assert not is_in(client) and account


def test_roles_follow_the_groups_and_those_given_by_hand_stay(acme, settings, people):
    settings.IDENTITY_PROVIDERS = {
        "acme": acme.ours(roles=(("boss", "Administrators"), ("staff", "Viewers")))
    }
    olaf = people["operator"]
    linked(olaf)

    def role(**claims):
        acme.claims = {}
        acme.sign_in(Client(), **claims)
        return [one.name for one in olaf.groups.all()]

    assert role(groups=["others"]) == ["Operators"]  # given by hand
    assert role() == ["Operators"]
    assert role(groups=["staff", "boss"]) == ["Administrators"]
    assert role(groups=["staff"]) == ["Viewers"]
    assert role(groups=["others"]) == []  # given by the provider
    assert role(groups=["staff"]) == ["Viewers"]


def test_teams_follow_the_groups_and_places_given_by_hand_stay(acme, settings, people):
    assert list(TEAM_ROLES) == Role.values
    one, two, three = (create_team(name, actor=None) for name in ("One", "Two", "Three"))
    olaf = people["operator"]
    set_member(two, olaf, "administrator", actor=None)
    linked(olaf)
    teams = (("a", "one", "viewer"), ("b", "One", "operator"), ("a", "Two", "viewer"))
    teams += (("c", "Three", "viewer"), ("a", "No such team", "viewer"))
    settings.IDENTITY_PROVIDERS = {"acme": acme.ours(teams=teams)}

    def places(**claims):
        acme.claims = {}
        acme.sign_in(Client(), **claims)
        return {row.team.name: row.role for row in Membership.objects.filter(user=olaf)}

    assert places() == {"Two": "administrator"}
    assert places(groups=["a"]) == {"One": "viewer", "Two": "administrator"}
    assert places(groups=["a", "b", "c"])["One"] == "operator"
    set_member(one, olaf, "administrator", actor=None)
    set_member(three, olaf, "operator", actor=None)
    assert places(groups=["a"]) == {"One": "viewer", "Two": "administrator"}
    assert places(groups=[]) == {"Two": "administrator"}


def test_the_last_administrator_keeps_the_role(acme, settings, administrator):
    settings.IDENTITY_PROVIDERS = {"acme": acme.ours(roles=(("staff", "Viewers"),))}
    linked(administrator)
    client = Client()
    acme.sign_in(client, groups=["staff"])
    assert is_in(client) and administrator.groups.get().name == "Administrators"


def test_a_second_factor_is_asked_for_by_setting_only(acme, settings, with_app):  # noqa: F811
    linked(with_app)
    client = Client()
    assert acme.sign_in(client)["Location"] == "/" and is_in(client)
    ours = acme.ours(asks_factor=True)
    other = replace(ours, key="other", label="Other")  # with the same client
    settings.IDENTITY_PROVIDERS = {"other": other, "acme": ours}
    client = Client()
    assert acme.sign_in(client)["Location"] == "/sign-in/code/" and not is_in(client)
    assert client.post("/sign-in/code/", {"code": code_of(SECRET)})["Location"] == "/"
    row = ProviderSession.objects.get(pk=client.session["provider_session"])
    assert row.credentials["refresh"] == "refresh-token-2"


@pytest.mark.parametrize(("asks", "page"), [(False, 200), (True, 302)])
def test_a_compulsory_factor_is_that_of_the_provider_unless_it_is_wanted_here(
    acme, settings, operator, asks, page
):
    settings.SIGN_IN_SECOND_FACTOR = ["everybody"]
    settings.IDENTITY_PROVIDERS = {"acme": acme.ours(asks_factor=asks)}
    linked(operator)
    client = Client()
    acme.sign_in(client)
    assert client.get("/connections/").status_code == page
    client.post("/sign-in/", {"username": "olaf", "password": PASSWORD})


def test_a_visit_by_a_provider_spares_no_factor_of_a_password(acme, with_app, viewer):  # noqa: F811
    """Who comes in by a provider as one person does not skip the factor of another."""
    linked(viewer)
    client = Client()
    acme.sign_in(client)
    client.post("/sign-out/")
    answer = client.post("/sign-in/", {"username": "olaf", "password": PASSWORD})
    assert answer["Location"] == "/sign-in/code/" and not is_in(client)


def test_passwords_may_be_for_some_roles_only(acme, settings, operator, administrator):
    settings.SIGN_IN_LOCALLY = ["Administrators"]
    client = Client()
    answer = client.post("/sign-in/", {"username": "olaf", "password": PASSWORD})
    assert told(answer) == ["Your role signs in by a provider only."] and not is_in(client)
    client.post("/sign-in/", {"username": "ada", "password": PASSWORD})
    assert is_in(client)
    settings.IDENTITY_PROVIDERS = {}
    client = Client()
    client.post("/sign-in/", {"username": "olaf", "password": PASSWORD})
    assert is_in(client)


def test_dangerous_acts_are_confirmed_by_the_provider(acme, people, monkeypatch):
    ada = people["administrator"]
    ada.set_unusable_password()
    ada.save()
    linked(ada)
    client = Client()
    acme.sign_in(client)
    session = client.session
    session["signed_in_at"] -= 3600
    session.save()
    answer = client.post("/people/add/", {"name": "x"}, follow=True)
    assert "Confirm by Acme" in words(answer)
    asked = acme.begin(client, process="confirm", next="/people/add/")
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    acme.claims = {"auth_time": int(time.time()) - 3600}
    assert "did not ask you again" in told(acme.come_back(client))[0]
    acme.begin(client, process="confirm", next="/people/add/")
    acme.claims = {"auth_time": int(time.time()), "sub": "subject-2"}
    assert "somebody else" in told(acme.come_back(client))[0]
    acme.begin(client, process="confirm", next="/people/add/")
    acme.claims = {"auth_time": int(time.time())}
    assert acme.come_back(client)["Location"] == "/people/add/"
    assert client.post("/people/add/", {"name": "x"}).status_code == 200


def test_the_last_way_in_stays(acme, operator):
    account = linked(operator)
    operator.set_unusable_password()
    operator.save()
    client = Client()
    acme.sign_in(client)
    answer = client.post(f"/your-sign-in/unlink/{account.pk}/")
    assert told(answer) == ["This is your last way in. Set up another one first."]
    other = linked(User.objects.create_user("other"), "subject-2")
    assert client.post(f"/your-sign-in/unlink/{other.pk}/").status_code == 404
    operator.set_password(PASSWORD)
    operator.save()
    client = Client()
    acme.sign_in(client)
    client.post(f"/your-sign-in/unlink/{account.pk}/")
    assert list(SocialAccount.objects.all()) == [other]
    assert client.get("/").status_code == 302  # it began by the link


def test_signing_out_leads_to_the_provider(acme):
    client = Client()
    acme.sign_in(client)
    answer = client.post("/sign-out/")
    assert answer["Refresh"].startswith(f"0; url={acme.url}/end?client_id=switchboard")
    assert "id_token_hint=ey" in answer["Refresh"] and not is_in(client)
    assert not ProviderSession.objects.exclude(session_key="").exists()
    acme.sign_in(client)
    acme.answers.clear()
    from backoffice.people.oidc import discovery

    discovery.forget()
    answer = client.post("/sign-out/")
    assert answer["Location"] == "/sign-in/" and not is_in(client)


def test_the_log_tells_each_sign_in_and_neither_tokens_nor_codes(acme, caplog):
    with caplog.at_level(logging.DEBUG):
        acme.sign_in(Client(), **ANN)
        acme.claims = {"aud": "x"}
        acme.sign_in(Client())
    lines = [one.getMessage() for one in caplog.records if one.name == LOG]
    assert lines[0].startswith('Sign-in by Acme: succeeded; account="ann@acme.example" address=')
    assert lines[1].startswith("Sign-in by Acme: failed, InvalidAudienceError; account=unknown-")
    for secret in ("code-1", "refresh-token", "access-token", "client-secret", "eyJ"):
        assert secret not in caplog.text


def test_neither_rows_nor_sessions_hold_tokens_in_clear(acme, django_assert_num_queries):
    from django.contrib.sessions.models import Session
    from django.db import connection

    client = Client()
    acme.sign_in(client)
    session = str([one.get_decoded() for one in Session.objects.all()])
    tables = connection.introspection.table_names()
    with connection.cursor() as cursor:
        rows = ""
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')
            rows += str(cursor.fetchall())
    assert ProviderSession.objects.get().credentials["refresh"] == "refresh-token-1"
    for secret in ("refresh-token", "access-token", "eyJ", "client-secret"):
        assert secret not in rows + session


def test_a_provider_that_is_not_set_up_is_not_found(acme):
    for place in ("/sign-in/by/other/", "/sign-in/by/other/signed-out/"):
        assert Client().post(place).status_code == 404
    assert Client().get("/sign-in/by/other/done/").status_code == 404
    assert Client().get("/sign-in/by/acme/").status_code == 405
