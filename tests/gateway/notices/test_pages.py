"""The pages and the API of notices: who sees what, and how targets are kept."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections import services as connection_services
from connections.models import Connection
from gateway.models import Notice, NoticeDelivery, NoticeSeen, NoticeTarget
from gateway.notices import services
from gateway.notices.services.looking import look
from tests.connections.api.calls import Api, token_of
from tests.fakes import NEWEST_KEY, OLDER_KEY
from tests.httpserver import HttpServer
from tests.pages import html
from tests.people import browser

from ..attention.test_attention import fail
from .targets import SECRET_PATH, target

pytestmark = pytest.mark.django_db
ADDRESS = f"http://127.0.0.1:9/{SECRET_PATH}"
ENTRIES = {
    "name": "Hook",
    "kind": "webhook",
    "address": ADDRESS,
    "is_active": "on",
    "minimum_severity": "warning",
    "time_zone": "Europe/Berlin",
    "quiet_from": "22:00",
    "quiet_to": "07:00",
    "tags": "prod, eu",
}


def told(kind: str = "failing") -> Notice:
    item = {
        "severity": "critical",
        "isAhead": False,
        "fault": "f",
        "title": "Main",
        "cause": "It is away.",
        "address": "/x/",
        "changes": 1,
    }
    more = {"since": None, "connectionCount": 0, "connections": [], "providers": [], "tags": []}
    return Notice.objects.create(event="began", kind=kind, severity="critical", items=[item | more])


def test_the_bell_counts_what_is_new_until_it_is_read(viewer: Any):
    client = browser(viewer)
    told()
    last = told()
    assert '2<span class="hidden"> new</span>' in html(client.get("/"))
    page = html(client.get("/notices/"))
    assert "Main fails" in page and "It is away." in page and f'value="{last.pk}"' in page
    client.post("/notices/seen/", {"to": last.pk})
    assert '<span class="hidden"> new</span>' not in html(client.get("/"))
    client.post("/notices/seen/", {"to": "0"})
    assert NoticeSeen.objects.get().seen_to == last.pk


def test_notices_of_tokens_and_targets_are_for_administrators(viewer: Any, administrator: Any):
    for kind in ("token", "limit", "target"):
        told(kind)
    assert [services.unread(one) for one in (viewer, administrator)] == [0, 3]
    assert [services.notices(actor=one).count() for one in (viewer, administrator)] == [0, 3]
    narrow = token_of(administrator, "connections:read")
    assert Api(narrow).read("/notices")["total"] == 0


def test_a_stranger_has_no_bell(stranger: Any):
    told()
    client = browser(stranger)
    assert services.unread(stranger) == 0
    assert client.get("/notices/").status_code == 403


@pytest.mark.parametrize("path", ["", "add/"])
def test_targets_are_for_administrators(operator: Any, administrator: Any, path: str):
    address = f"/notices/targets/{path}"
    codes = [browser(one).get(address).status_code for one in (operator, administrator)]
    assert codes == [403, 200]


def test_a_target_is_added_shown_once_and_kept(administrator: Any):
    client = browser(administrator)
    page = html(client.post("/notices/targets/add/", ENTRIES))
    row = NoticeTarget.objects.get()
    secret = row.credentials["secret"]
    assert secret in page and SECRET_PATH not in page
    assert (row.tags, row.time_zone, row.credentials["address"]) == (
        ["prod", "eu"],
        "Europe/Berlin",
        ADDRESS,
    )
    form = html(client.get(f"/notices/targets/{row.pk}/"))
    assert secret not in form and SECRET_PATH not in form and "http://127.0.0.1/***" in form
    client.post(f"/notices/targets/{row.pk}/", ENTRIES | {"name": "Other", "address": ""})
    row.refresh_from_db()
    assert (row.name, row.credentials["address"], row.credentials["secret"]) == (
        "Other",
        ADDRESS,
        secret,
    )


def test_a_wrong_entry_is_at_its_field_and_the_address_is_kept_sealed(administrator: Any):
    entries = ENTRIES | {"time_zone": "Nowhere", "quiet_to": ""}
    page = html(browser(administrator).post("/notices/targets/add/", entries))
    assert "name of a time zone" in page and "neither" in page
    assert SECRET_PATH not in page and "address-sealed" in page


def test_the_test_button_says_how_it_went(administrator: Any):
    with HttpServer() as server:
        row = target(url=f"{server.url}/")
        answer = browser(administrator).post(f"/notices/targets/{row.pk}/test/", follow=True)
    assert "The message was taken." in html(answer) and len(server.requests) == 1


def test_a_target_is_deleted_with_what_is_on_its_way(administrator: Any, row: Connection):
    made = target()
    fail(row)
    look(1.0)
    client = browser(administrator)
    assert "On its way" not in html(client.get(f"/notices/targets/{made.pk}/delete/"))
    client.post(f"/notices/targets/{made.pk}/delete/")
    assert not NoticeTarget.objects.exists() and not NoticeDelivery.objects.exists()


def test_a_target_that_is_switched_off_forgets_what_waits(row: Connection):
    made = target()
    fail(row)
    look(1.0)
    services.update_target(made, {"is_active": False}, actor=None)
    assert not NoticeDelivery.objects.exists()


def test_the_api_lists_notices_and_notes_what_is_read(viewer: Any):
    api, last = Api(token_of(viewer)), told()
    (item,) = api.read("/notices?kind=failing")["items"]
    assert (item["headline"], item["isNew"], item["count"]) == ("Main fails", True, 1)
    assert api("POST", "/notices/seen", {"to": last.pk}).status_code == 204
    assert api.read("/notices")["items"][0]["isNew"] is False


def test_the_api_keeps_the_address_and_shows_a_key_once(administrator: Any):
    api = Api(token_of(administrator))
    made = api("POST", "/notice-targets", {"name": "A", "kind": "webhook", "address": ADDRESS})
    body = made.json()
    path, secret = f"/notice-targets/{body['id']}", body["secret"]
    assert secret.startswith("whsec_") and body["address"] == "http://127.0.0.1/***"
    for address in ("http://127.0.0.1/***", "***"):
        changed = api("PATCH", path, {"address": address, "quietFrom": "22:00", "quietTo": "06:00"})
        assert changed.json()["quietFrom"] == "22:00"
        assert NoticeTarget.objects.get().credentials["address"] == ADDRESS
    assert "secret" not in api.read(path)
    assert api("POST", f"{path}/secret").json()["secret"] not in ("", secret)
    refused = api("PATCH", path, {"address": "slack://***"})
    assert refused.status_code == 400 and refused.json()["errors"][0]["pointer"] == "/address"


def test_addresses_are_encrypted_anew_with_the_newest_key(settings: Any):
    settings.FERNET_KEYS = [OLDER_KEY]
    target()
    settings.FERNET_KEYS = [NEWEST_KEY, OLDER_KEY]
    assert connection_services.rotate_credentials() == 1
    settings.FERNET_KEYS = [NEWEST_KEY]
    assert SECRET_PATH in NoticeTarget.objects.get().credentials["address"]


def test_old_notices_and_messages_are_deleted(settings: Any):
    settings.GATEWAY_NOTICES_DAYS = 90
    old, now = timezone.now() - timedelta(days=91), timezone.now()
    told(), told()
    Notice.objects.filter(pk=Notice.objects.last().pk).update(at=old)
    made = target()
    for done in (old, now):
        NoticeDelivery.objects.create(target=made, due=0.0, state="sent", date_done=done)
    assert services.prune().startswith("1 notice and 1 message")
    assert (Notice.objects.count(), NoticeDelivery.objects.count()) == (1, 1)


def test_the_bell_costs_one_query(viewer: Any, django_assert_num_queries: Any):
    told()
    viewer.has_perm("x")
    with django_assert_num_queries(1):
        services.unread(viewer)


def test_the_admin_has_no_page_of_targets(administrator: Any, client: Client):
    client.force_login(administrator)
    assert client.get("/admin/gateway/noticetarget/").status_code == 404
