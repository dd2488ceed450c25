"""Tokens of an issuer that nobody here wrote: oidc-provider-mock, on Authlib. Run by
`make test-stores`, which installs it; `make test` does not collect this file.
"""

import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from connections.models import ServiceAccount
from connections.workloads import services
from tests.connections.api.calls import Api
from tests.connections.sources.stores import PROGRAMS, free_port, wait_for

from .conftest import made

pytestmark = pytest.mark.django_db
BACK = "http://127.0.0.1/back"


@pytest.fixture
def provider() -> Iterator[str]:
    port = free_port()
    command = [str(PROGRAMS / "oidc-provider-mock"), "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def id_token(provider: str, subject: str, audience: str) -> str:
    """What it signs for somebody who signs in at a client."""
    asked = {"client_id": audience, "response_type": "code", "redirect_uri": BACK}
    answer = httpx2.post(
        f"{provider}/oauth2/authorize",
        params=asked | {"scope": "openid email"},
        data={"sub": subject},
    )
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    form |= {"client_id": audience, "client_secret": "any"}
    return str(httpx2.post(f"{provider}/oauth2/token", data=form).json()["id_token"])


def test_its_token_is_taken_by_the_rule_that_fits(provider: str, ci: ServiceAccount):
    issuer = services.create_issuer(actor=None, name="mock", issuer=provider, audiences=["us"])
    made(issuer, ci, conditions={"sub": "importer@*"})
    good, other = id_token(provider, "importer@acme", "us"), id_token(provider, "eve", "us")
    foreign: Any = services.judge(id_token(provider, "importer@acme", "elsewhere")).refusal
    assert Api(good).get("/connections").status_code == 200
    assert Api(other).get("/connections").status_code == 401
    assert foreign.step == "audience"
