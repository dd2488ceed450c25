"""The first hour: a checklist up to the first call, and the token that is made for it."""

import re

import pytest
from django.core.cache import cache
from django.test import Client

from backoffice.first_steps import first_steps
from connections import services
from connections.models import ApiToken, Connection, Profile
from tests.gateway.records import used

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(administrator) -> Client:
    client = Client()
    client.force_login(administrator)
    return client


def test_the_checklist_goes_on_after_the_first_connection(client):
    services.create_connection("echo", actor=None, name="Echo")
    page = client.get("/").text
    assert "First steps" in page and page.count('class="done"') == 1
    assert "/profiles/add/chat/?connection=echo" in page


def test_the_checklist_ends_with_the_first_call_of_a_program(administrator):
    used(endpoint="playground")
    assert first_steps(administrator)
    used(endpoint="v1")
    assert first_steps(administrator) == []


def test_a_viewer_is_led_to_nothing_that_he_may_not_do(viewer):
    cache.clear()
    assert {step.address for step in first_steps(viewer)} == {""}


def test_echo_is_there_in_one_click_and_called_in_two(client):
    answer = client.post("/start/", follow=True)
    assert Connection.objects.get().provider_id == "echo"
    made = client.post(answer.request["PATH_INFO"])
    token = ApiToken.objects.get()
    assert token.scopes == ["gateway:use"] and list(token.profiles.all()) == [Profile.objects.get()]
    found = set(re.findall(r"sb_[\w-]{20,}", made.text))
    assert len(found) == 1 and services.authenticate_token(found.pop()) == token
    assert "Bearer sb_" in made.text and "import OpenAI from" in made.text


def test_echo_is_made_once(client):
    client.post("/start/")
    client.post("/start/")
    assert (Connection.objects.count(), Profile.objects.count()) == (1, 1)


def test_who_may_add_nothing_starts_nothing(viewer):
    client = Client()
    client.force_login(viewer)
    assert client.post("/start/").status_code == 403 and not Connection.objects.exists()


@pytest.mark.parametrize("is_of_profile", [True, False])
def test_a_page_that_is_loaded_again_makes_no_second_token(client, is_of_profile):
    address = client.post("/start/")["Location"] if is_of_profile else "/tokens/"
    once = re.search(r'name="once" value="(\w+)"', client.get(address).text)
    form = {"once": once[1], "name": "Mine", "scopes": ["gateway:use"]}
    assert "sb_" in client.post(address, form).text
    again = client.post(address, form, follow=True)
    assert "was made already" in again.text and ApiToken.objects.count() == 1


def test_an_operator_sees_the_code_and_who_makes_tokens(client, operator):
    address = client.post("/start/")["Location"]
    client.force_login(operator)
    page = client.get(address).text
    assert "sb_..." in page and "An administrator can make one" in page
    form = {"once": "0" * 32}
    assert [client.post(address, form).status_code for _ in range(2)] == [403, 403]
    assert not ApiToken.objects.exists()
