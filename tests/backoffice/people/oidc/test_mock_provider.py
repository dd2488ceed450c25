"""The whole way by oidc-provider-mock, which others wrote: in, refreshed, refused."""

from datetime import timedelta
from urllib.parse import urlsplit

import httpx2
import pytest
from django.contrib.auth.models import User
from django.test import Client

from backoffice.identity_providers import IdentityProvider
from backoffice.people.models import ProviderSession
from backoffice.people.oidc import discovery, staying

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of the libraries that it uses
]


def test_in_refreshed_and_refused(settings, people, monkeypatch):
    import oidc_provider_mock  # warns as it is imported

    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    discovery.forget()
    claims = {"groups": ["staff"], "email": "ann@mock.example", "email_verified": True}
    ann = oidc_provider_mock.User(sub="ann", claims=claims)
    with oidc_provider_mock.run_server_in_thread(user_claims=[ann]) as server:
        issuer, roles = f"http://localhost:{server.server_port}", (("staff", "Viewers"),)
        settings.IDENTITY_PROVIDERS = {
            "mock": IdentityProvider(
                "mock", "Mock", issuer, "switchboard", "x", roles=roles, domains=("mock.example",)
            )
        }
        client = Client()
        there = client.post("/sign-in/by/mock/")["Refresh"].removeprefix("0; url=")
        back = urlsplit(httpx2.post(there, data={"sub": "ann"}).headers["location"])
        assert client.get(f"{back.path}?{back.query}")["Location"] == "/"
        assert User.objects.get(username="ann@mock.example").groups.get().name == "Viewers"

        def ask() -> str:
            row = ProviderSession.objects.get()
            ProviderSession.objects.update(asked_at=row.asked_at - timedelta(minutes=5))
            return staying.ask_due()

        assert "Sign-ins: 1 asked about, 0 ended" in ask()
        assert client.get("/connections/").status_code == 200
        httpx2.post(f"{issuer}/users/ann/revoke-tokens").raise_for_status()
        assert "1 ended" in ask()
        assert client.get("/connections/").status_code == 302
