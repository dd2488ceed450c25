"""A trusted issuer with one rule."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache

from backoffice.people.service_accounts.services import add_service_account
from connections.models import IssuerRule, ServiceAccount, TrustedIssuer
from connections.workloads import services
from tests.issuers import AUDIENCE, Issuer


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    cache.clear()  # what it says of "last used" and of the log
    with Issuer() as one:
        yield one


@pytest.fixture
def ci(db: None) -> ServiceAccount:
    """A service account that may what operators may."""
    role = Group.objects.get(name="Operators")
    return add_service_account("ci", role=role, contact="Platform team", actor=None)


@pytest.fixture
def trusted(issuer: Issuer, ci: ServiceAccount) -> TrustedIssuer:
    return services.create_issuer(actor=None, name="forge", issuer=issuer.url, audiences=[AUDIENCE])


@pytest.fixture
def rule(trusted: TrustedIssuer, ci: ServiceAccount) -> IssuerRule:
    """Tokens with `sub` ci may read and use."""
    return made(trusted, ci)


def made(issuer: TrustedIssuer, account: ServiceAccount, **values: Any) -> IssuerRule:
    """A rule."""
    usual = {"name": "deploy", "conditions": {"sub": "ci"}, "account": account}
    usual |= {"scopes": ["connections:read", "gateway:use"]}
    return services.create_rule(issuer, actor=None, **(usual | values))
