"""OAuth2 tokens in the database: one for all workers, encrypted, never an old one, and no
transaction while the network is asked.
"""

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from connections import access_tokens, runtime, services
from connections.access_tokens import DatabaseTokens, stored_key
from connections.credentials import fernet
from connections.health.services import Call, note_calls
from connections.models import AccessToken, ChangeStamp, Connection
from connections.services import renew_tokens
from providers.core.errors import ProviderError
from providers.http.oauth2_client import MemoryTokens, Token
from tests.fakes import OLDER_KEY
from tests.httpserver import Answer, OAuth2Server
from tests.upstreams import ROOT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]
SECRET = "client-secret-7391"
KEY = "0" * 64


@pytest.fixture(autouse=True)
def _own_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_tokens, "_memory", MemoryTokens())


def saved(server: OAuth2Server, **changes: object) -> Connection:
    own = {
        "base_url": server.url,
        "auth_type": "oauth2",
        "token_url": server.token_url,
        "client_id": "my-client",
        "client_secret": SECRET,
    }
    return services.create_connection(
        "http", actor=None, name="Shop", alias="shop", settings={**own, **changes}
    ).row


def ask(connection: Connection) -> int:
    """One request through a client of its own, as another worker would make it."""
    with services.http_client(str(connection.pk)) as client:
        return client.get("/me").status_code


def counted(
    *values: str, seconds: float = 0, expires_at: float | None = None
) -> tuple[Callable[[], Token], list[str]]:
    """Gives these tokens in turn, and a list of those that were given."""
    given: list[str] = []

    def give() -> Token:
        given.append(values[min(len(given), len(values) - 1)])
        time.sleep(seconds)
        return Token(given[-1], expires_at)

    return give, given


def test_workers_share_one_token():
    with OAuth2Server() as server:
        connection = saved(server)
        assert [ask(connection) for _ in range(3)] == [200] * 3
        assert server.fetched == 1


def test_a_test_of_the_connection_uses_the_shared_token():
    with OAuth2Server() as server:
        connection = saved(server)
        assert services.test_connection(connection, actor=None).success and ask(connection) == 200
        assert services.test_connection(connection, actor=None).success
        assert server.fetched == 1


def test_the_stored_token_is_encrypted_and_its_key_is_no_plain_hash():
    with OAuth2Server() as server:
        ask(saved(server))
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM connections_accesstoken")
        row = cursor.fetchone()
    stored = " ".join(
        bytes(one).decode("latin-1") if isinstance(one, bytes | memoryview) else str(one)
        for one in row
    )
    assert "token-secret" not in stored and SECRET not in stored
    assert AccessToken.objects.get().credentials["token"] == "token-secret-1"
    assert (
        "token-secret"
        not in f"{AccessToken.objects.get().credentials!r} {AccessToken.objects.get()!r}"
    )


def test_the_stored_key_depends_on_the_encryption_key(settings):
    one = stored_key(KEY)
    settings.FERNET_KEYS = [OLDER_KEY]
    assert one != stored_key(KEY) != KEY


def test_a_dump_holds_no_token(capsys: pytest.CaptureFixture[str]):
    with OAuth2Server() as server:
        ask(saved(server))
    call_command("dumpdata", "connections.accesstoken")
    assert "token-secret" not in capsys.readouterr().out


def test_changed_settings_never_get_an_old_token():
    with OAuth2Server() as server:
        connection = saved(server)
        ask(connection)
        settings = {**connection.settings, "scope": "other", "client_secret": SECRET}
        services.update_connection(connection, actor=None, settings=settings)
        ask(connection)
        assert server.fetched == 2 and server.asked("/token")[1].form["scope"] == "other"


def test_a_token_that_the_service_forgot_is_fetched_once_more():
    with OAuth2Server() as server:
        connection = saved(server)
        ask(connection)
        server.revoke()
        assert [ask(connection), ask(connection)] == [200, 200] and server.fetched == 2


@pytest.mark.parametrize("life", [0, -5])
def test_a_token_that_ended_already_is_not_kept(life: int):
    with OAuth2Server(expires_in=life) as server:
        connection = saved(server)
        assert [ask(connection), ask(connection)] == [200, 200] and server.fetched == 2
    assert AccessToken.objects.get().credentials is None


def test_a_token_ends_before_its_end():
    with OAuth2Server(expires_in=600) as server:
        connection = saved(server)
        ask(connection)
        assert AccessToken.objects.get().expires_at - timezone.now() == pytest.approx(
            timedelta(seconds=540), abs=timedelta(seconds=5)
        )
        AccessToken.objects.update(expires_at=timezone.now())
        ask(connection)
        assert server.fetched == 2


def test_a_token_behind_a_lost_key_is_fetched_again(settings):
    with OAuth2Server() as server:
        connection = saved(server)
        ask(connection)
        token = fernet().encrypt(json.dumps({"token": "other"}).encode())
        AccessToken.objects.update(credentials=None)
        with database.cursor() as cursor:
            cursor.execute(
                "UPDATE connections_accesstoken SET credentials = %s",
                [database.Database.Binary(token[:-4] + b"AAA=")],
            )
        assert ask(connection) == 200 and server.fetched == 2


def test_a_token_service_that_refuses_leaves_nothing_behind():
    with OAuth2Server(says=Answer(401, {"error": "invalid_client"})) as server:
        connection = saved(server)
        for _ in range(2):
            with pytest.raises(ProviderError) as caught:
                ask(connection)
            assert caught.value.code == "unauthorized"
    row = AccessToken.objects.get()
    assert (row.credentials, row.leased_until) == (None, None)


def test_no_token_bumps_the_stamp_of_changes():
    with OAuth2Server() as server:
        connection = saved(server)
        before = list(ChangeStamp.objects.values_list())
        ask(connection)
    assert list(ChangeStamp.objects.values_list()) == before


def test_no_transaction_is_open_while_a_token_is_fetched():
    with OAuth2Server() as server:
        connection, seen = saved(server), []
        give, _ = counted("a")

        def look() -> Token:
            seen.append(database.in_atomic_block)
            elsewhere = threading.Thread(
                target=lambda: (
                    Connection.objects.filter(pk=connection.pk).update(name="Other"),
                    database.close(),
                )
            )
            elsewhere.start()  # somebody else can write meanwhile
            elsewhere.join(3)
            seen.append(elsewhere.is_alive())
            return give()

        assert DatabaseTokens(connection.pk).token(KEY, look) == "a"
    assert seen == [False, False] and Connection.objects.get().name == "Other"


def test_inside_of_a_callers_transaction_nothing_is_written():
    with OAuth2Server() as server:
        connection = saved(server)
        with transaction.atomic():
            assert [ask(connection), ask(connection)] == [200, 200]
        assert server.fetched == 1 and not AccessToken.objects.exists()
        assert ask(connection) == 200 and AccessToken.objects.count() == 1
        with transaction.atomic():
            assert ask(connection) == 200
        assert server.fetched == 2


def test_a_connection_that_is_gone_still_gets_its_token():
    give, given = counted("a")
    store = DatabaseTokens(uuid.uuid4())
    assert [store.token(KEY, give), store.token(KEY, give)] == ["a", "a"] and len(given) == 1


def test_without_an_encryption_key_tokens_stay_in_memory(settings):
    settings.FERNET_KEYS = []
    give, given = counted("a")
    store = DatabaseTokens(uuid.uuid4())
    assert [store.token(KEY, give), store.token(KEY, give)] == ["a", "a"] and len(given) == 1


def test_fifty_threads_fetch_once():
    with OAuth2Server(seconds=0.3) as server:
        connection = saved(server)
        provider = runtime.get_configured_provider(connection)
        with ThreadPoolExecutor(50) as pool:
            assert set(pool.map(lambda _: provider.client.get("/me").status_code, range(50))) == {
                200
            }
        assert server.fetched == 1


def test_threads_of_several_workers_fetch_once(monkeypatch: pytest.MonkeyPatch):
    """Each has its own idea of what runs already, as if it were a process."""
    monkeypatch.setattr(
        access_tokens, "_once", type("Each", (), {"run": staticmethod(lambda _, act: act())})
    )
    with OAuth2Server() as server:
        connection = saved(server)
    give, given = counted("a", "b", seconds=0.3)
    together = threading.Barrier(6)

    def want(_: int) -> str:
        together.wait()
        return DatabaseTokens(connection.pk).token(KEY, give)

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(want, range(6))) == {"a"} and given == ["a"]
    with ThreadPoolExecutor(6) as pool:
        assert set(
            pool.map(lambda _: DatabaseTokens(connection.pk).token(KEY, give, "a"), range(6))
        ) == {"b"} and given == ["a", "b"]


def test_a_lease_that_nobody_ends_ends_by_itself():
    with OAuth2Server() as server:
        connection = saved(server)
    AccessToken.objects.create(
        connection=connection, key="", leased_until=timezone.now() + timedelta(seconds=0.5)
    )
    give, given = counted("a")
    started = time.monotonic()
    assert DatabaseTokens(connection.pk).token(KEY, give) == "a" and given == ["a"]
    assert 0.3 < time.monotonic() - started < 5
    assert AccessToken.objects.get().leased_until is None


def test_who_waited_too_long_asks_without_a_lease(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(access_tokens, "MOST_WAITED", 0.3)
    with OAuth2Server() as server:
        connection = saved(server)
    AccessToken.objects.create(
        connection=connection, key="", leased_until=timezone.now() + timedelta(hours=1)
    )
    give, _ = counted("a")
    assert DatabaseTokens(connection.pk).token(KEY, give) == "a"


def test_a_deleted_connection_takes_its_token_along():
    with OAuth2Server() as server:
        connection = saved(server)
        ask(connection)
    services.delete_connection(connection, actor=None)
    assert not AccessToken.objects.exists()


WORKER = """
import os, sys, django
django.setup()
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
from connections import services
print("ready", flush=True)
sys.stdin.readline()
with services.http_client("shop") as client:
    print(client.get("/me").status_code)
"""


def test_processes_fetch_once(settings):
    """Real ones, that start at the same moment."""
    settings.FERNET_KEYS = ["processes-for-tests-only-0123456789abcdef"]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "backoffice.settings",
        "FERNET_KEYS": settings.FERNET_KEYS[0],
        "SECRET_KEY": "of-one-test-only-0123456789abcdefgh",
    }
    with OAuth2Server(seconds=0.5) as server:
        saved(server)
        command = [sys.executable, "-c", WORKER, str(database.settings_dict["NAME"])]
        pipes = {
            "stdin": subprocess.PIPE,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
        }
        workers = [subprocess.Popen(command, cwd=ROOT, env=environment, **pipes) for _ in range(3)]
        assert [worker.stdout.readline() for worker in workers] == ["ready\n"] * 3
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        told = [worker.communicate(timeout=60) for worker in workers]
    assert [out for out, _ in told] == ["200\n"] * 3, told
    assert server.fetched == 1


# Renewed before they end


@pytest.fixture
def oauth2() -> Iterator[OAuth2Server]:
    with OAuth2Server() as server:
        yield server


def in_use(row: Connection, ends_in: timedelta) -> None:
    """It was called just now, and its token ends then."""
    note_calls([Call(row.pk, row.version, "", timezone.now())])
    AccessToken.objects.update(expires_at=timezone.now() + ends_in)


def test_a_token_in_use_is_renewed_before_it_ends(oauth2: OAuth2Server):
    row = saved(oauth2)
    ask(row)
    in_use(row, timedelta(seconds=30))
    before = AccessToken.objects.get().credentials
    assert renew_tokens() == (1, 0)
    after = AccessToken.objects.get()
    assert after.credentials != before and after.expires_at > timezone.now() + timedelta(minutes=5)


@pytest.mark.parametrize("minutes", [-1, 10])
def test_a_token_that_ended_or_is_good_for_long_is_left_alone(oauth2: OAuth2Server, minutes: int):
    row = saved(oauth2)
    ask(row)
    in_use(row, timedelta(minutes=minutes))
    assert renew_tokens() == (0, 0)


def test_a_token_that_nobody_uses_is_left_alone(oauth2: OAuth2Server):
    ask(saved(oauth2))
    AccessToken.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    assert renew_tokens() == (0, 0)


def test_a_token_that_cannot_be_renewed_is_used_until_it_ends(oauth2: OAuth2Server):
    row = saved(oauth2)
    ask(row)
    in_use(row, timedelta(seconds=30))
    before = AccessToken.objects.get().credentials
    oauth2.says = Answer(503)
    assert (renew_tokens(), AccessToken.objects.get().credentials) == ((0, 1), before)


def test_a_renewal_that_fails_is_noted_until_one_passes(oauth2: OAuth2Server):
    row = saved(oauth2)
    ask(row)
    in_use(row, timedelta(seconds=30))
    noted = []
    for says in (Answer(503), Answer(401, {"error": "invalid_client"}), None):
        oauth2.says = says
        renew_tokens()
        token = AccessToken.objects.get()
        noted.append((token.failure, token.failed_at))
    first = noted[0][1]
    assert first and noted == [("error", first), ("error", first), ("", None)]


@pytest.mark.parametrize("name", ["refresh_token_expires_in", "refresh_expires_in"])
def test_the_end_of_a_refresh_token_is_kept(oauth2: OAuth2Server, name: str):
    given = {"access_token": "given", "token_type": "bearer", "expires_in": 3600}
    oauth2.says = Answer(body=given | {"refresh_token": "next", name: 15_897_600})
    ask(saved(oauth2))
    end = AccessToken.objects.get().refresh_ends_at
    assert end and round((end - timezone.now()) / timedelta(days=1)) == 184


def test_an_offline_token_has_no_end(oauth2: OAuth2Server):
    given = {"access_token": "given", "token_type": "bearer", "refresh_expires_in": 0}
    oauth2.says = Answer(body=given)
    ask(saved(oauth2))
    assert AccessToken.objects.get().refresh_ends_at is None
