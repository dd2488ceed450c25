"""An authenticated client for Python code: who gets one, for what, and what it does not do."""

import httpx2
import pytest
from django.core.exceptions import PermissionDenied

from connections import services
from connections.models import Connection
from providers.core.errors import ProviderError
from tests.httpserver import Answer, HttpServer

pytestmark = pytest.mark.django_db
KEY = "key-secret-8841"


def saved(url: str, **changes: object) -> Connection:
    settings = {"base_url": f"{url}/v1", "auth_type": "x_api_key", "api_key": KEY, **changes}
    return services.create_connection(
        "http", actor=None, name="Shop", alias="shop", settings=settings
    ).row


def test_a_client_is_authenticated_and_below_the_base_url():
    with HttpServer() as server:
        connection = saved(server.url)
        for name in ("shop", str(connection.pk)):
            with services.http_client(name) as client:
                assert (
                    isinstance(client, httpx2.Client)
                    and client.get("/orders", params={"page": 1}).status_code == 200
                )
        assert client.is_closed
    assert {request.line for request in server.requests} == {"GET /v1/orders?page=1 HTTP/1.1"}
    assert server.requests[0].values("x-api-key") == [KEY]


def test_a_reference_is_resolved_at_each_use(settings):
    settings.CONNECTIONS_CONFIG = {"Http": {"ApiKey": KEY}}
    with HttpServer() as server:
        saved(server.url, api_key="$Http:ApiKey")
        with services.http_client("shop") as client:
            client.get("/")
    assert server.requests[0].values("x-api-key") == [KEY]


def test_the_credentials_go_nowhere_else():
    with HttpServer() as other:
        away = Answer(302, headers={"Location": f"{other.url}/x"})
        with HttpServer(default=away) as server:
            saved(server.url)
            with services.http_client("shop") as client:
                with pytest.raises(ProviderError) as caught:
                    client.get(f"{other.url}/x")
                with pytest.raises(ProviderError):
                    client.get("/")
        assert (
            other.requests == []
            and caught.value.code == "blocked_address"
            and KEY not in str(caught.value)
        )


def test_nothing_of_the_client_shows_the_key():
    with HttpServer() as server:
        saved(server.url)
        with services.http_client("shop") as client:
            response = client.get("/")
    sent = response.request
    assert KEY not in (
        f"{client!r} {client.headers!r} {client.base_url} {response!r} {response.headers!r} "
        f"{sent!r} {sent.headers!r} {vars(sent)}"
    )


def test_the_timeout_may_be_chosen():
    with HttpServer() as server:
        saved(server.url, timeout=7)
        assert services.http_client("shop").timeout.read == 7
        assert services.http_client("shop", timeout=3).timeout.read == 3


def test_rules_for_addresses_hold(settings):
    with HttpServer() as server:
        saved(server.url)
        settings.CONNECTIONS_EGRESS_ALLOW = ["api.example.com"]
        with (
            services.http_client("shop") as client,
            pytest.raises(ProviderError, match="CONNECTIONS_EGRESS_ALLOW"),
        ):
            client.get("/")
        assert server.requests == []


@pytest.mark.parametrize("name", ["nobody", "00000000-0000-0000-0000-000000000000", "a\x00b", ""])
def test_what_is_not_there_is_not_found(name: str):
    with pytest.raises(Connection.DoesNotExist):
        services.http_client(name)


def code(name: str) -> str:
    with pytest.raises(services.Unusable) as caught:
        services.http_client(name)
    return caught.value.code


def test_a_connection_that_is_switched_off_gives_no_client():
    services.set_active(saved("https://api.example.com"), False, actor=None)
    assert code("shop") == "connection_inactive"


def test_a_reference_that_stands_for_nothing_gives_no_client():
    saved("https://api.example.com", api_key="$Http:ApiKey")
    assert code("shop") == "unresolved_reference"


def test_credentials_behind_a_lost_key_give_no_client(settings):
    saved("https://api.example.com")
    settings.FERNET_KEYS = ["another-key-for-tests-only-0123456789abcdef"]
    assert code("shop") == "undecryptable"


def test_a_connection_to_models_is_none_of_http(connection: Connection):
    assert code(connection.alias) == "not_http"


def test_who_may_change_connections_gets_a_client(administrator, operator):
    saved("https://api.example.com")
    for actor in (None, administrator, operator):
        services.http_client("shop", actor=actor).close()


def test_who_may_not_change_connections_gets_none(viewer, stranger, nobody):
    saved("https://api.example.com")
    for actor in (viewer, stranger, nobody):
        for name in ("shop", "no-such-connection"):
            with pytest.raises(PermissionDenied):
                services.http_client(name, actor=actor)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("apiKeyXKey", "x_api_key"), ("X_API_KEY", "x_api_key"), ("x_api_key", "x_api_key")],
)
def test_an_authentication_in_cognigys_words_is_stored_in_ours(typed: str, stored: str):
    assert saved("https://api.example.com", auth_type=typed).settings["auth_type"] == stored


def test_another_base_url_does_not_get_the_stored_key():
    connection = saved("https://api.example.com")
    with pytest.raises(services.Invalid) as caught:
        services.update_connection(
            connection,
            actor=None,
            settings={**connection.settings, "base_url": "https://evil.example"},
        )
    assert {error.code for error in caught.value.errors} == {"secret_required"}


def test_another_token_url_does_not_get_the_stored_secret():
    own = {
        "auth_type": "oauth2",
        "token_url": "https://login.example.com/t",
        "client_id": "me",
        "client_secret": "client-secret-7391",
    }
    connection = saved("https://api.example.com", api_key=None, **own)
    with pytest.raises(services.Invalid) as caught:
        services.update_connection(
            connection,
            actor=None,
            settings={**connection.settings, "token_url": "https://evil.example/t"},
        )
    assert {error.field for error in caught.value.errors} == {"settings.client_secret"}
