"""The pages of people: rights, roles, passwords, and the last administrator."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.people import services
from connections.services import Invalid, create_token
from tests.pages import html, told, words
from tests.people import browser, person

pytestmark = pytest.mark.django_db
GOOD = "a-long-enough-secret"


def role(name: str) -> Group:
    return Group.objects.get(name=name)


def test_the_list_has_role_sign_in_and_tokens_of_everybody(people, administrator):
    create_token("Site", user=administrator, actor=administrator, scopes=["gateway:use"])
    response = browser(administrator).get("/people/")
    shown = {line.row.username: line.row.tokens for line in response.context["lines"]}
    assert shown == {"ada": 1, "olaf": 0, "sten": 0, "vera": 0}
    assert "no role" in words(response)


@pytest.mark.parametrize("path", ["/people/", "/people/add/", "/people/roles/"])
def test_only_administrators_see_people(people, path):
    statuses = [browser(people[who]).get(path).status_code for who in people]
    assert statuses == [200, 403, 403, 403, 302]


def test_a_person_is_added_with_a_role_and_may_sign_in(administrator, client):
    posted = {"name": "new", "password": GOOD, "role": role("Viewers").pk}
    assert browser(administrator).post("/people/add/", posted).status_code == 302
    assert client.login(username="new", password=GOOD)
    assert client.get("/connections/").status_code == 200


def test_a_name_that_is_taken_is_refused_and_nothing_typed_is_lost(administrator, viewer):
    posted = {"name": "vera", "password": GOOD, "role": role("Viewers").pk}
    response = browser(administrator).post("/people/add/", posted)
    said = "There is a person with this name already. Choose another name."
    assert response.context["form"].errors["name"] == [said]
    assert 'value="vera"' in response.text and GOOD not in response.text


def test_a_role_takes_the_place_of_the_one_before(administrator, viewer):
    browser(administrator).post(f"/people/{viewer.pk}/", {"role": role("Operators").pk})
    assert [one.name for one in viewer.groups.all()] == ["Operators"]


def test_the_last_administrator_keeps_the_role(administrator):
    with pytest.raises(Invalid, match="last administrator"):
        services.set_role(administrator, role("Viewers"), actor=administrator)
    assert administrator.groups.get().name == "Administrators"


def test_a_deactivated_person_is_signed_out_at_once_and_can_come_back(administrator, viewer):
    theirs, page = browser(viewer), f"/people/{viewer.pk}/active/"
    browser(administrator).post(page, {"active": "no"})
    assert theirs.get("/connections/").status_code == 302
    browser(administrator).post(page, {"active": "yes"})
    assert User.objects.get(pk=viewer.pk).is_active


def test_an_administrator_does_not_deactivate_themselves(administrator):
    person("other", "Administrators")
    response = browser(administrator).post(f"/people/{administrator.pk}/active/", {"active": "no"})
    assert "Another administrator must deactivate you." in words(response)


def test_a_new_password_ends_the_sessions_and_a_weak_one_is_refused(administrator, viewer, client):
    theirs, page = browser(viewer), f"/people/{viewer.pk}/password/"
    assert "too short" in words(browser(administrator).post(page, {"password": "short"}))
    browser(administrator).post(page, {"password": GOOD})
    assert theirs.get("/connections/").status_code == 302
    assert client.login(username="vera", password=GOOD)


def test_an_administrator_does_not_touch_a_superuser(administrator):
    root = person("root", is_superuser=True)
    response = browser(administrator).post(f"/people/{root.pk}/password/", {"password": GOOD})
    assert response.status_code == 403
    root.is_active = False
    root.save()
    with_more = person("more")
    with_more.user_permissions.add(*_rights_that_no_role_has())
    assert not services.may_change(administrator, with_more)


def _rights_that_no_role_has():
    return Permission.objects.filter(codename="delete_logentry")


def test_a_role_with_more_rights_than_ones_own_cannot_be_given(administrator, viewer):
    strong = Group.objects.create(name="Strong")
    strong.permissions.add(*_rights_that_no_role_has())
    path = f"/people/{viewer.pk}/"
    assert browser(administrator).post(path, {"role": strong.pk}).status_code == 403


def test_the_administration_names_its_parts_and_what_they_need(people, administrator):
    response = browser(administrator).get("/administration/")
    needs = {area.name: area.needs for area in response.context["areas"]}
    assert len(needs) > 8
    assert needs["People"] == (
        "1 person has no role.",
        "There is one administrator only. Nobody can help if they are away.",
    )


def test_the_administration_is_of_administrators(people):
    statuses = [browser(people[who]).get("/administration/").status_code for who in people]
    assert statuses == [200, 403, 403, 403, 302]


def test_who_has_no_role_is_told_so_and_has_no_dead_links(stranger, administrator):
    response = browser(stranger).get("/")
    assert response.status_code == 403
    assert "<title>You have no role yet · Switchboard</title>" in response.text
    assert "Ask ada" in words(response)
    assert 'href="/connections/"' not in response.text


def test_an_operator_is_told_which_role_may(operator, administrator):
    text = words(browser(operator).get("/tokens/"))
    assert "Your role is Operators. Administrators may. Ask ada" in text


def test_a_page_that_is_not_there_has_a_title(viewer):
    assert "<title>There is nothing here · " in browser(viewer).get("/nowhere/").text


def names(response: Any) -> list[str]:
    return [line.row.username for line in response.context["lines"]]


SHOWN = {
    "": ["ada", "bot 2", "bot 10", "olaf", "vera"],
    "sort=-name": ["vera", "olaf", "bot 10", "bot 2", "ada"],
    "sort=-tokens": ["ada", "bot 2", "bot 10", "olaf", "vera"],
    "sort=tokens": ["bot 2", "bot 10", "olaf", "vera", "ada"],
    "sort=role": ["bot 2", "bot 10", "ada", "olaf", "vera"],
    "sort=status": ["ada", "bot 2", "olaf", "vera", "bot 10"],
    "q=BOT": ["bot 2", "bot 10"],
    "role=Operators": ["olaf"],
    "role=-": ["bot 2", "bot 10"],
    "status=inactive": ["bot 10"],
    "factor=yes": ["vera"],
    "factor=no&role=Viewers": [],
    "status=nonsense&role=Viewers": ["vera"],
}


def test_people_are_filtered_and_sorted(administrator, operator, viewer):
    person("bot 2")
    person("bot 10", is_active=False)
    Authenticator.objects.create(user=viewer, type="totp", data={})
    create_token("Site", user=administrator, actor=administrator, scopes=["gateway:use"])
    page = browser(administrator)
    assert {query: names(page.get(f"/people/?{query}")) for query in SHOWN} == SHOWN


def test_a_page_of_people_asks_no_more_for_ten_than_for_one(administrator):
    page = browser(administrator)
    page.get("/people/")
    with CaptureQueriesContext(connection) as few:
        page.get("/people/")
    for number in range(9):
        person(f"one {number}", "Viewers")
    with CaptureQueriesContext(connection) as many:
        page.get("/people/")
    assert len(many) <= len(few)


def test_what_may_be_changed_of_several_is_what_may_be_changed_of_each(people, administrator):
    del people["nobody"]
    people["root"] = person("root", is_superuser=True)
    people["more"] = person("more")
    people["more"].user_permissions.add(*_rights_that_no_role_has())
    for actor in (administrator, people["operator"], people["root"]):
        each = {one.pk for one in people.values() if services.may_change(actor, one)}
        rows = list(User.objects.filter(pk__in=[one.pk for one in people.values()]))
        assert services.may_change_of(actor, rows) == each


def test_ticked_people_are_deactivated_once_that_is_agreed(administrator, operator, viewer):
    page, chosen = browser(administrator), {"ids": [operator.pk, viewer.pk], "next": "/people/?q=v"}
    asked = page.post("/people/deactivate/", chosen)
    assert "olaf" in words(asked) and User.objects.filter(is_active=False).count() == 0
    answer = page.post("/people/deactivate/", chosen | {"agreed": "yes"})
    assert answer["Location"] == "/people/?q=v" and told(answer) == ["2 people are deactivated."]
    assert set(User.objects.filter(is_active=False)) == {operator, viewer}


def test_all_that_match_are_deactivated_but_for_whom_the_rules_keep(administrator, viewer):
    page = browser(administrator)
    asked = page.post("/people/deactivate/", {"all": "match", "match": "status=active"})
    ids = [one.pk for one in asked.context["people"]]
    assert ids == [administrator.pk, viewer.pk]
    answer = page.post("/people/deactivate/", {"ids": ids, "agreed": "yes"})
    assert told(answer)[0] == "1 person is deactivated."
    assert "Another administrator must deactivate you." in told(answer)[1]


def test_only_administrators_deactivate_several(people):
    given = {"ids": [person("other").pk], "agreed": "yes"}
    statuses = [
        browser(people[who]).post("/people/deactivate/", given).status_code for who in people
    ]
    assert statuses == [302, 403, 403, 403, 302]


def test_lists_of_people_keep_columns_and_views(administrator):
    page = browser(administrator)
    page.post("/lists/person/columns/", {"columns": ["created"], "dense": "on"})
    shown = html(page.get("/people/"))
    assert "of-created" in shown and "of-tokens" not in shown and "rows of-person dense" in shown
    given = {"name": "Gone", "query": "status=inactive&sort=-created"}
    saved = page.post("/lists/person/views/", given)
    assert saved["Location"] == "/people/?status=inactive&sort=-created"
    assert 'aria-label="Without State: Deactivated"' in html(page.get(saved["Location"]))
