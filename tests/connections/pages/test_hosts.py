"""The page of hosts: an operator asks, an administrator sees it and answers."""

from typing import Any

import pytest

from connections import services
from connections.models import HostApproval
from tests.pages import html, words
from tests.people import browser

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _sections(settings: Any) -> None:
    settings.CONNECTIONS_CONFIG = {"TeamB": {"ApiKey": "sk-Team_B_31a9c0de77"}}


def saved(operator: Any) -> Any:
    """The page that an operator sees after saving a key of another team to a host of their own."""
    return browser(operator).post(
        "/connections/add/openai-compatible/",
        {
            "name": "Mine",
            "settings-base_url": "https://elsewhere.example/v1",
            "settings-api_key": "$TeamB:ApiKey",
        },
        follow=True,
    )


def test_the_operator_is_told_and_the_administrator_sees_who_what_and_where(
    operator, administrator
):
    page = saved(operator)
    told = "The secrets of teamb may not be sent to https://elsewhere.example before"
    assert told in words(page)
    assert 'value="approved"' not in html(page)
    for address in ("/", "/references/hosts/", page.request["PATH_INFO"]):
        seen = words(browser(administrator).get(address))
        assert "teamb" in seen and "https://elsewhere.example" in seen and "olaf" in seen, address


def test_an_answer_leads_back_to_where_it_was_given(operator, administrator):
    address = saved(operator).request["PATH_INFO"]
    row = HostApproval.objects.get()
    answer = browser(administrator).post(
        f"/references/hosts/{row.pk}/", {"decision": "approved", "next": address}, follow=True
    )
    assert answer.request["PATH_INFO"] == address and "may go there from now on" in words(answer)
    row.refresh_from_db()
    assert (row.state, row.decided_by) == ("approved", administrator)


def test_an_answer_that_is_none_changes_nothing(administrator, operator):
    saved(operator)
    row = HostApproval.objects.get()
    answer = browser(administrator).post(
        f"/references/hosts/{row.pk}/", {"decision": "perhaps"}, follow=True
    )
    assert "Choose Approve, Refuse or Forget." in words(answer)
    assert HostApproval.objects.get().state == "requested"


def test_the_test_button_of_an_operator_says_so_too(operator):
    page = browser(operator).post(
        "/connections/add/openai-compatible/",
        {
            "name": "Mine",
            "action": "test",
            "settings-base_url": "http://127.0.0.1:9/v1",
            "settings-api_key": "$TeamB:ApiKey",
        },
    )
    assert "may not be sent to http://127.0.0.1:9" in words(page)
    assert HostApproval.objects.get().connection is None


def test_what_is_forgotten_is_asked_for_again(operator, administrator):
    saved(operator)
    row = HostApproval.objects.get()
    services.forget_host(row, actor=administrator)
    assert not HostApproval.objects.exists()
