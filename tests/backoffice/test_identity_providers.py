"""The identity providers that the environment sets up, and what of it is refused at the start."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from backoffice.environment import Environment
from backoffice.identity_providers import read_identity_providers

ISSUER = "https://login.acme.example/realms/work"
ACME = {"OIDC_ACME_ISSUER": ISSUER, "OIDC_ACME_CLIENT_ID": "switchboard"}
ACME |= {"OIDC_ACME_CLIENT_SECRET": "a-secret-4711"}


def read(**given: str):
    return read_identity_providers(Environment(given))


def test_a_provider_needs_three_variables_and_takes_more():
    found = read(
        **ACME,
        OIDC_MY_IDP_ISSUER="http://localhost:8080",
        OIDC_MY_IDP_CLIENT_ID="x",
        OIDC_MY_IDP_CLIENT_SECRET="$Idp:Secret",
        OIDC_MY_IDP_ROLES="CN=Admins,OU=x=Administrators; staff=Operators",
        OIDC_MY_IDP_TEAMS="eng=Research:operator; all=A: b:viewer; x=Ops",
        OIDC_MY_IDP_SIGN_UP_DOMAINS="Acme.example, @b.example",
        OIDC_MY_IDP_SIGN_UP_GROUPS="a, b; c",
        OIDC_MY_IDP_PARAMETERS="access_type=offline&prompt=consent",
        OIDC_MY_IDP_SECOND_FACTOR="true",
        KUBERNETES="x",
        OIDC_SERVICE_HOST="10.0.0.1",
        OIDC_PORT_443_TCP_ADDR="10.0.0.1",
    )
    assert list(found) == ["acme", "my-idp"]
    acme, mine = found.values()
    assert (acme.issuer, acme.label, acme.roles, acme.groups) == (ISSUER, "Acme", (), ())
    assert mine.label == "My Idp" and mine.asks_factor
    assert mine.roles == (("CN=Admins,OU=x", "Administrators"), ("staff", "Operators"))
    assert mine.teams[:2] == (("eng", "Research", "operator"), ("all", "A: b", "viewer"))
    assert mine.teams[2] == ("x", "Ops", "viewer")
    assert mine.domains == ("acme.example", "b.example") and mine.groups == ("a, b", "c")
    assert mine.parameters == (("access_type", "offline"), ("prompt", "consent"))


def test_a_secret_is_listed_masked_and_a_reference_as_it_is():
    env = Environment({**ACME, **{name.replace("ACME", "B"): text for name, text in ACME.items()}})
    env.values["OIDC_B_CLIENT_SECRET"] = "$Idp:Secret"
    found = read_identity_providers(env)
    assert env.variables["OIDC_ACME_CLIENT_SECRET"].text == "***"
    assert env.variables["OIDC_B_CLIENT_SECRET"].text == "$Idp:Secret"
    assert "a-secret" not in repr(found)


REFUSED = {
    "OIDC_ACME_ISUER": (ISSUER, "Write OIDC_ACME_ISSUER"),
    "OIDC_ACME_CLIENTID": ("x", "Write OIDC_ACME_CLIENT_ID"),
    "OIDC_ACME_CLIENT_SECRETS": ("x", "Write OIDC_ACME_CLIENT_SECRET"),
    "oidc_acme_label": ("x", "Write OIDC_ACME_LABEL"),
    "OIDC_ISSUER": (ISSUER, "OIDC_ISSUER is not a setting"),
    "OIDC_ACME_COLOUR": ("x", "OIDC_ACME_COLOUR is not a setting"),
    "OIDC_ACNE_ISSUER": (ISSUER, "OIDC_ACNE_CLIENT_ID is not set"),
    "OIDC_OTHER_LABEL": ("x", "OIDC_OTHER_ISSUER is not set"),
    "OIDC_ACME_ROLES": ("staff", "not group=role"),
    "OIDC_ACME_TEAMS": ("staff=Research:oprator", "Write one of viewer"),
    "OIDC_ACME_SIGN_OUT": ("maybe", "neither true nor false"),
    "OIDC_ACME_SIGN_UP_DOMAINS": ("acme", "domains of e-mail addresses"),
    "OIDC_ACME_PARAMETERS": ("nonce=1", "sets nonce, which is not free"),
    "OIDC_ACME_LABEL": ("x" * 41, "more than 40 characters"),
    "OIDC_ACME_CLIENT_SECRET": ("$Acme", "is not a reference"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_misspelt_or_makes_no_sense_is_named_with_its_cure(name):
    text, said = REFUSED[name]
    with pytest.raises(ImproperlyConfigured, match=name) as refused:
        read(**{**ACME, name: text})
    assert said in str(refused.value)


@pytest.mark.parametrize("lacking", ACME)
def test_half_a_provider_is_refused(lacking):
    with pytest.raises(ImproperlyConfigured, match=f"{lacking} is not set. Set it, or take out"):
        read(**{name: text for name, text in ACME.items() if name != lacking})


@pytest.mark.parametrize(
    "issuer",
    [
        *("http://login.acme.example", "login.acme.example", "https://", "https://a.example?x=1"),
        *("https://u:hunter2@a.example", "https://a.example/.well-known/openid-configuration"),
        "https://[",
    ],
)
def test_an_issuer_is_an_address_that_is_safe(issuer):
    with pytest.raises(ImproperlyConfigured, match="OIDC_ACME_ISSUER is not the address") as found:
        read(**{**ACME, "OIDC_ACME_ISSUER": issuer})
    assert "hunter2" not in str(found.value)
