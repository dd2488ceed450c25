"""SECURITY.md is true: each promise names tests that are there. The last tests here hold what no
room's tests do.
"""

import ast
import logging
import re
from datetime import timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import connection as database
from django.utils import timezone
from fernet_fields.hkdf import derive_fernet_key

from backoffice import serve
from backoffice.people.services import add_person
from connections import services
from connections.change_counter import read_change_counter
from connections.errors import Invalid, Throttled
from connections.fingerprints import digests
from connections.models import ApiToken, Connection, HostApproval
from connections.replacement.services import find_key
from connections.replacement.services.leaks import SEARCHES
from connections.runtime import resolved_settings
from gateway.attention import services as attention
from gateway.core import config_cache
from tests.fakes import NEWEST_KEY, OLDER_KEY, SECRET, connect
from tests.people import browser

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "SECURITY.md").read_text()
BODY, _, NOTES = TEXT.partition("\n## The tests of these promises\n")
MARK = re.compile(r"\[\^([a-z0-9-]+)\]")
NOTE = re.compile(r"^\[\^([a-z0-9-]+)\]: (.+)$", re.MULTILINE)
TEST = re.compile(r"`(\S+?\.py)::(\w+)`")
# What these say is advice, or what is not protected; they need no test.
NO_PROMISE = (
    "Report a weakness in private",
    "says on one page who could attack",
    "A second factor helps nobody against",
    "Anybody who can read the process's memory",
    "Somebody who controls the database cannot read secrets",
    "The default credential chains of AWS and Azure",
    "TLS is the proxy's",
    "Put a new key in front",
    "Remove the old key. Restart.",
    "Make the wrapping key:",
    "Put the entry there and restart.",
    "It protects against whoever has `.env` and the database",
    "It does not protect against whoever is on the machine",
    "If you lose the wrapping key",
    "Older copies of the database still need",
    "Backups still hold it.",
    "Not bound are references",
    "In short:",
    "An upstream's answer goes through as it is",
    "Nobody needs to be known to open a connection",
)


@cache
def names_in(file: str) -> set[str]:
    """The names of the tests in a file below tests/."""
    tree = ast.parse((ROOT / "tests" / file).read_text())
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {one.name for one in ast.walk(tree) if isinstance(one, kinds)}


def test_each_test_that_is_named_is_there():
    missing = [
        f"{name}: {file}::{test}"
        for name, tests in NOTE.findall(NOTES)
        for file, test in TEST.findall(tests) or [("no", "test")]
        if not (ROOT / "tests" / file).is_file() or test not in names_in(file)
    ]
    assert not missing, "Not there any more: name the tests that hold these promises instead"


def test_each_mark_has_its_note_and_each_note_its_mark():
    marks, notes = MARK.findall(BODY), [name for name, _ in NOTE.findall(NOTES)]
    assert set(marks) == set(notes)
    assert len(set(notes)) == len(notes)


def test_each_paragraph_with_promises_says_which_test_holds_them():
    paragraphs = re.split(r"\n\n|\n(?=- |\d\. )", BODY)
    bare = [
        one.strip()[:80]
        for one in paragraphs
        if not one.lstrip().startswith("#")
        and not MARK.search(one)
        and not any(text in one for text in NO_PROMISE)
    ]
    assert not bare, "Put [^name] behind what it promises, and a note with the test at the end"


# What no room's tests hold.


@pytest.mark.django_db
def test_the_key_of_encryption_is_derived_from_the_newest_by_hkdf(fake: Any, settings: Any):
    settings.FERNET_KEYS = [NEWEST_KEY, OLDER_KEY]
    row = connect()
    with database.cursor() as cursor:
        cursor.execute("SELECT credentials FROM connections_connection")
        (token,) = cursor.fetchone()
    assert SECRET in Fernet(derive_fernet_key(NEWEST_KEY)).decrypt(bytes(token)).decode()
    assert row.credentials == {"api_key": SECRET}


@pytest.mark.django_db
def test_fingerprints_are_keyed(settings: Any):
    settings.FERNET_KEYS = [NEWEST_KEY]
    (newest,) = digests(SECRET).values()
    settings.FERNET_KEYS = [OLDER_KEY]
    (older,) = digests(SECRET).values()
    assert len({newest, older, sha256(SECRET.encode()).hexdigest()}) == 3


def everything_stored() -> str:
    return repr([list(model.objects.values()) for model in apps.get_models()])


@pytest.mark.django_db
def test_what_is_typed_to_be_looked_for_is_neither_stored_nor_logged(
    operator: Any, fake: Any, caplog: pytest.LogCaptureFixture
):
    typed = "sk-typed-by-olaf-5b09ce71"
    with caplog.at_level(logging.DEBUG):
        page = browser(operator).post("/connections/find-key/", {"key": typed}).text
    assert "It is not ours." in page
    assert not [text for text in (page, caplog.text, everything_stored()) if typed in text]


@pytest.mark.django_db
def test_leaked_keys_are_looked_for_thirty_times_a_minute(
    operator: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("connections.replacement.services.leaks.time.time", lambda: 6000.0)
    for _ in range(SEARCHES):
        find_key("sk-nobody-has-this", actor=operator)
    with pytest.raises(Throttled):
        find_key("sk-nobody-has-this", actor=operator)
    assert SEARCHES == 30


COMPARED = (
    "connections/audit/keys.py",
    "connections/replacement/services/fingerprints.py",
    "connections/replacement/services/leaks.py",
    "connections/services/callers.py",
    "connections/types/services/attempts.py",
)
SECRETS = {"digest", "given", "seal", "secret", "state"}


def test_secrets_and_their_hashes_are_compared_in_constant_time():
    for file in COMPARED:
        tree = ast.parse((ROOT / file).read_text())
        assert "compare_digest" in {
            one.attr for one in ast.walk(tree) if isinstance(one, ast.Attribute)
        }, file
        plain = [
            ast.unparse(one)
            for one in ast.walk(tree)
            if isinstance(one, ast.Compare)
            and any(isinstance(operator, ast.Eq | ast.NotEq) for operator in one.ops)
            and {getattr(side, "id", "") for side in (one.left, *one.comparators)} & SECRETS
        ]
        assert not plain, file


@pytest.mark.django_db
def test_pages_api_and_csv_are_kept_by_no_cache(administrator: Any):
    client = browser(administrator)
    for path in ("/", "/api/v1/connections", "/usage/export/", "/your-sign-in/"):
        response = client.get(path)
        assert response.status_code == 200, path
        assert "no-store" in response["Cache-Control"], path


@pytest.mark.django_db
def test_an_etag_answers_no_condition_of_caches(administrator: Any, fake: Any):
    client, address = browser(administrator), f"/api/v1/connections/{connect().alias}"
    etag = client.get(address)["ETag"]
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.django_db
def test_the_list_of_faults_tells_the_end_of_a_token_14_days_ahead(
    operator: Any, administrator: Any
):
    row, _ = services.create_token("CI", user=operator, actor=None, scopes=["connections:read"])
    for days, told in ((15, 0), (13, 1)):
        ApiToken.objects.filter(pk=row.pk).update(expires_at=timezone.now() + timedelta(days=days))
        assert len(attention.attention(actor=administrator).rows) == told


@pytest.mark.django_db
def test_only_a_superuser_or_the_terminal_makes_tokens_for_others(
    administrator: Any, operator: Any, django_user_model: Any
):
    root = django_user_model.objects.create_superuser("root")
    for actor in (root, None):
        row, _ = services.create_token("CI", user=operator, actor=actor, scopes=["admin"])
        assert row.user == operator
    with pytest.raises(PermissionDenied):
        services.create_token("CI", user=operator, actor=administrator, scopes=["admin"])


@pytest.mark.django_db
def test_no_person_is_called_as_a_service_account_is_shown(administrator: Any):
    with pytest.raises(Invalid):
        add_person(
            "ci-deploy (service account)",
            "correct-horse-battery",
            Group.objects.get(name="Viewers"),
            actor=administrator,
        )


@pytest.mark.django_db
def test_a_stored_secret_is_entered_again_when_certificates_are_no_longer_checked(operator: Any):
    given = {"base_url": "https://api.example.com/", "auth_type": "bearer", "token": SECRET}
    row = connect("http", settings=given)
    with pytest.raises(Invalid):
        services.update_connection(row, actor=operator, settings={"verify_tls": False}, merge=True)
    stored = Connection.objects.get(pk=row.pk)
    assert stored.settings.get("verify_tls", True) and stored.credentials == row.credentials


@pytest.mark.django_db
def test_a_host_is_approved_by_an_administrators_token_with_the_scope_admin(
    administrator: Any, settings: Any
):
    settings.CONNECTIONS_CONFIG = {"TeamB": {"ApiKey": SECRET}}
    states: list[str] = []
    for scope in ("connections:write", "admin"):
        administrator.token, _ = services.create_token(
            "CI", user=administrator, actor=None, scopes=[scope]
        )
        services.create_connection(
            "openai-compatible",
            actor=administrator,
            name=scope,
            settings={
                "api_key": "$TeamB:ApiKey",
                "base_url": f"https://elsewhere-{len(states) + 1}.example/v1",
            },
        )
        states.append(HostApproval.objects.get(host__contains=f"-{len(states) + 1}.").state)
    assert states == ["requested", "approved"]


@pytest.mark.django_db
def test_an_approval_that_is_taken_back_counts_at_once(administrator: Any, settings: Any):
    settings.CONNECTIONS_CONFIG = {"TeamB": {"ApiKey": SECRET}}
    given = {"api_key": "$TeamB:ApiKey", "base_url": "https://elsewhere.example/v1"}
    row = connect("openai-compatible", administrator, settings=given)
    assert resolved_settings(Connection.objects.get(pk=row.pk))
    before = read_change_counter()
    services.forget_host(HostApproval.objects.get(), actor=administrator)
    with pytest.raises(services.Unusable, match="elsewhere"):
        resolved_settings(Connection.objects.get(pk=row.pk))
    assert read_change_counter() > before  # by which workers know that they remember too much


def test_the_gateway_remembers_for_half_a_minute_at_most():
    assert config_cache.MEMORY == 30


def test_what_the_server_writes_is_for_its_user_only(monkeypatch: pytest.MonkeyPatch):
    """`tools/check_start.py`, a step of .ci/run, looks at the files of a server that started."""
    masks: list[int] = []

    def stop(mask: int) -> None:
        masks.append(mask)
        raise KeyboardInterrupt

    monkeypatch.setattr("backoffice.serve.os.umask", stop)
    with pytest.raises(KeyboardInterrupt):
        serve.main()
    assert masks == [0o077]


@pytest.mark.django_db
def test_pages_that_are_seen_as_somebody_keep_ones_own_language(administrator: Any, viewer: Any):
    browser(viewer).post("/you/", {"language": "en", "time_zone": ""})
    client, headers = browser(administrator), {"Accept-Language": "de"}
    client.post(f"/people/{viewer.pk}/view-as/")
    assert '<html lang="de"' in client.get("/", headers=headers).text
