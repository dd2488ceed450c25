"""Where the secrets behind references may go, and who lets them."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import PermissionDenied

from connections import services
from connections.destinations import Destination, destinations_of, host_of, unapproved
from connections.models import Connection, HostApproval
from connections.runtime import resolved_settings
from connections.types.services import install_type

pytestmark = pytest.mark.django_db
SECRET = "sk-Team_B_31a9c0de77"
ELSEWHERE = "https://elsewhere.example:8443/v1"
ORIGIN = "https://elsewhere.example:8443"


@pytest.fixture(autouse=True)
def _sections(settings: Any) -> None:
    settings.CONNECTIONS_REFERENCE_PUBLIC = ["TeamB:Url", "Other:Url"]
    settings.CONNECTIONS_CONFIG = {
        "TeamB": {"ApiKey": SECRET, "Url": ELSEWHERE},
        "Other": {"Url": ELSEWHERE},
    }


def openai(actor: Any, key: str = "$TeamB:ApiKey", address: str = ELSEWHERE, **changes: Any):
    """A saved connection, and the notices of its save."""
    saved = services.create_connection(
        "openai-compatible",
        actor=actor,
        name="Team B",
        settings={"api_key": key, "base_url": address},
        **changes,
    )
    return saved.row, [notice.code for notice in saved.notices]


def states() -> list[tuple[str, str, str]]:
    return [(one.section, one.host, one.state) for one in HostApproval.objects.all()]


def is_usable(row: Connection) -> bool:
    try:
        resolved_settings(Connection.objects.get(pk=row.pk))
    except services.Unusable as error:
        assert error.code == "host_not_approved" and SECRET not in str(error)
        return False
    return True


def test_an_operators_save_asks_and_sends_nothing(operator):
    row, notices = openai(operator)
    assert notices == ["host_not_approved"]
    assert states() == [("teamb", ORIGIN, "requested")]
    assert HostApproval.objects.get().requested_by == operator
    assert not is_usable(row)


def test_an_administrator_approves_what_was_asked_for(operator, administrator):
    row, _ = openai(operator)
    services.decide_host(HostApproval.objects.get(), "approved", actor=administrator, team=None)
    assert is_usable(row)
    services.decide_host(HostApproval.objects.get(), "refused", actor=administrator, team=None)
    assert not is_usable(row)


@pytest.mark.parametrize("who", ["administrator", "nobody asks at a terminal"])
def test_an_administrators_own_save_approves(request, who: str):
    actor = request.getfixturevalue(who) if who == "administrator" else None
    row, notices = openai(actor)
    assert (notices, states()) == ([], [("teamb", ORIGIN, "approved")])
    assert is_usable(row)


def test_nobody_but_an_administrator_decides(operator):
    openai(operator)
    with pytest.raises(PermissionDenied, match="may not approve"):
        services.decide_host(HostApproval.objects.get(), "approved", actor=operator, team=None)


def test_an_approval_is_for_one_section_and_one_host(operator, administrator):
    openai(administrator)
    other_host, _ = openai(operator, address="https://elsewhere.example/v1")
    other_section, _ = openai(operator, key="$Other:Url")
    assert not is_usable(other_host) and not is_usable(other_section)


@pytest.mark.parametrize(
    "given",
    [
        {"api_key": "typed-by-somebody", "base_url": ELSEWHERE},
        {"api_key": "$TeamB:ApiKey", "base_url": "$TeamB:Url"},
    ],
    ids=["what is typed", "an address that is set beside the key"],
)
def test_this_needs_no_approval(operator, given: dict[str, str]):
    saved = services.create_connection(
        "openai-compatible", actor=operator, name="Free", settings=given
    )
    assert states() == [] and is_usable(saved.row)


def zendesk(actor: Any, subdomain: str = "attacker", token: str = "$TeamB:ApiKey") -> Connection:
    """A connection of a type that comes along, in whose host a setting names the customer."""
    given = {"variant": "api_token", "email": "a@b.example", "api_token": token}
    given["subdomain"] = subdomain
    return services.create_connection("zendesk", actor=actor, name="Desk", settings=given).row


def test_another_customer_of_a_vendor_is_another_host(operator, administrator):
    row = zendesk(operator)
    assert states() == [("teamb", "https://attacker.zendesk.com", "requested")]
    assert not is_usable(row) and is_usable(zendesk(administrator, "ours"))


def test_a_customer_set_beside_the_key_needs_no_approval(operator, settings: Any):
    settings.CONNECTIONS_REFERENCE_PUBLIC = ["TeamB:Subdomain"]
    settings.CONNECTIONS_CONFIG = {"TeamB": {"ApiKey": SECRET, "Subdomain": "ours"}}
    row = zendesk(operator, "$TeamB:Subdomain")
    assert states() == [] and is_usable(row)


def test_a_region_of_a_closed_list_is_the_vendors_own_host(operator):
    keys = {"api_key": "$TeamB:ApiKey", "app_key": "$TeamB:ApiKey"}
    services.create_connection("datadog", actor=operator, name="Dogs", settings=keys)
    assert states() == []


def test_the_upgrade_approves_the_customers_of_today(operator):
    row = zendesk(operator, "ours")
    HostApproval.objects.all().delete()
    migration = import_module("connections.migrations.0012_approve_customer_hosts")
    migration.approve(apps, None)
    migration.approve(apps, None)
    assert states() == [("teamb", "https://ours.zendesk.com", "approved")] and is_usable(row)


def test_the_providers_own_host_needs_none(operator):
    saved = services.create_connection(
        "openai", actor=operator, name="OpenAI", settings={"api_key": "$TeamB:ApiKey"}
    )
    assert states() == [] and is_usable(saved.row)


def test_an_address_of_another_section_is_approved_as_it_is_written(operator):
    row, _ = openai(operator, address="$Other:Url")
    assert states() == [("teamb", "$Other:Url", "requested")] and not is_usable(row)


def test_a_host_whose_certificate_is_not_checked_is_another_one(administrator, operator):
    def http(actor: Any, verify: bool) -> Connection:
        return services.create_connection(
            "http",
            actor=actor,
            name="HTTP",
            settings={
                "base_url": ELSEWHERE,
                "auth_type": "bearer",
                "token": "$TeamB:ApiKey",
                "verify_tls": verify,
            },
        ).row

    assert is_usable(http(administrator, verify=True))
    assert not is_usable(http(operator, verify=False))


def test_a_change_and_a_copy_ask_too(operator, administrator):
    own = services.create_connection(
        "openai", actor=operator, name="OpenAI", settings={"api_key": "$TeamB:ApiKey"}
    ).row
    services.update_connection(own, actor=operator, settings={"base_url": ELSEWHERE}, merge=True)
    assert states() == [("teamb", ORIGIN, "requested")]
    services.decide_host(HostApproval.objects.get(), "refused", actor=administrator, team=None)
    copy = services.duplicate_connection(own, actor=operator)
    assert [notice.code for notice in copy.notices] == ["host_not_approved"]
    assert states() == [("teamb", ORIGIN, "refused")]


def test_values_that_are_not_saved_are_not_sent(operator, administrator):
    def tested(actor: Any) -> services.CheckResult:
        return services.test_settings(
            "openai-compatible",
            {"api_key": "$TeamB:ApiKey", "base_url": "http://127.0.0.1:9/v1"},
            actor=actor,
        )

    assert tested(operator).code == "host_not_approved"
    assert states() == [("teamb", "http://127.0.0.1:9", "requested")]
    assert tested(administrator).code == "refused"  # it went out; nothing listens there
    administrator.token, _ = services.create_token(
        "CI", user=administrator, actor=None, scopes=["connections:test"]
    )
    assert tested(administrator).code == "host_not_approved"


def test_an_administrator_who_renames_approves_nothing(operator, administrator):
    row, _ = openai(operator)
    services.update_connection(row, actor=administrator, name="Renamed")
    assert states() == [("teamb", ORIGIN, "requested")] and not is_usable(row)


@pytest.mark.parametrize(
    ("patch", "state"), [({"timeout": 7}, "requested"), ({"base_url": ELSEWHERE}, "approved")]
)
def test_an_administrators_patch_approves_where_it_says_where_secrets_go(
    operator, administrator, patch: dict[str, Any], state: str
):
    row, _ = openai(operator)
    services.update_connection(row, actor=administrator, settings=patch, merge=True)
    assert states() == [("teamb", ORIGIN, state)]


@pytest.mark.parametrize("verify", [False, "no", "$TeamB:Verify"])
def test_whatever_may_switch_the_check_off_is_another_host(verify: Any):
    given = {"base_url": ELSEWHERE, "auth_type": "bearer", "token": "$TeamB:ApiKey"}
    row = Connection(provider_id="http", settings={**given, "verify_tls": verify})
    assert destinations_of(row) == {
        Destination("teamb", f"{ORIGIN}, certificate not checked", None)
    }


PROXY = "http://proxy.example.com:3128"
TRUSTING = {  # provider and settings: the hosts beside its own
    "a proxy sees nothing": ("openai", {"proxy": PROXY}, set()),
    "an authority alone": ("openai", {"ca_certificate": "$TeamB:Ca"}, set()),
    "the key of a proxy": (
        "openai",
        {"proxy": PROXY, "proxy_password": "$TeamB:Other", "base_url": ELSEWHERE},
        {PROXY, ORIGIN},
    ),
    "both": ("openai", {"proxy": PROXY, "ca_certificate": "PEM"}, {PROXY}),
    "unchecked": (
        "http",
        {"proxy": PROXY, "verify_tls": False, "base_url": ELSEWHERE},
        {PROXY, f"{ORIGIN}, certificate not checked"},
    ),
}


@pytest.mark.parametrize("case", TRUSTING)
def test_a_proxy_is_a_destination_where_it_could_show_a_certificate_of_its_own(case: str):
    provider, given, hosts = TRUSTING[case]
    row = Connection(provider_id=provider, settings={"api_key": "$TeamB:ApiKey", **given})
    assert {one.host for one in destinations_of(row)} == hosts


def test_a_proxys_referenced_password_goes_to_the_proxy_and_nowhere_else():
    given = {"base_url": ELSEWHERE, "proxy_password": "$TeamB:ApiKey"}
    assert destinations_of(Connection(provider_id="openai", settings=given)) == set()
    for address, hosts in ((PROXY, {PROXY}), ("$TeamB:Proxy", set()), ("$A:P", {"$A:P"})):
        row = Connection(provider_id="openai", settings={**given, "proxy": address})
        assert destinations_of(row) == {Destination("teamb", one, None) for one in hosts}


def test_it_can_be_turned_off(operator, settings):
    settings.CONNECTIONS_HOST_APPROVAL = False
    row, notices = openai(operator)
    assert (notices, states()) == ([], []) and is_usable(row)


def test_a_second_request_is_the_same_one(operator):
    openai(operator)
    openai(operator, alias="again")
    assert len(states()) == 1


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://A.example/v1", "https://a.example"),
        ("https://a.example:443/", "https://a.example"),
        ("http://a.example:443", "http://a.example:443"),
        ("https://a.example.", "https://a.example"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://[::1]:11434/v1", "http://[::1]:11434"),
        ("a.example", "https://a.example"),
        ("$Section:Url", "$Section:Url"),
    ],
)
def test_a_host_is_an_origin(address: str, host: str):
    assert host_of(address) == host


def test_a_section_is_compared_without_case_and_a_variable_is_one_of_its_own():
    def of(key: str) -> set[Destination]:
        row = Connection(
            provider_id="openai-compatible", settings={"api_key": key, "base_url": ELSEWHERE}
        )
        return destinations_of(row)

    assert of("$TeamB:A:B") == of("$TEAMB:C") == {Destination("teamb", ORIGIN, None)}
    assert of("$Env:My_Key") == {Destination("env:my_key", ORIGIN, None)}


TYPE = """
key: teams
version: 1
label: Teams
fields: [{key: token, kind: secret}, {key: shop, kind: slug}]
base_url: https://{shop}.acme.example/v1
allowed_hosts: ["*.acme.example"]
auth: {use: bearer, token: "{token}"}
"""


def test_the_hosts_of_an_installed_type_are_not_the_providers_own(operator, administrator):
    install_type(TYPE, actor=administrator)
    given = {"token": "$TeamB:ApiKey", "shop": "one"}
    row = services.create_connection("teams", actor=operator, name="T", settings=given).row
    assert states() == [("teamb", "https://one.acme.example", "requested")]
    assert not is_usable(row)


def test_an_approval_of_one_customer_of_an_installed_type_is_for_no_other(operator, administrator):
    install_type(TYPE, actor=administrator)
    given = {"token": "$TeamB:ApiKey", "shop": "ours"}
    row = services.create_connection("teams", actor=administrator, name="T", settings=given).row
    assert is_usable(row)
    services.update_connection(row, actor=operator, settings={"shop": "attacker"}, merge=True)
    assert not is_usable(row)


def test_the_upgrade_approves_the_customers_of_installed_types(operator, administrator):
    install_type(TYPE, actor=administrator)
    given = {"token": "$TeamB:ApiKey", "shop": "ours"}
    row = services.create_connection("teams", actor=operator, name="T", settings=given).row
    HostApproval.objects.update(host="https://{shop}.acme.example", state="approved")
    migration = import_module("connections.migrations.0014_approve_customers_of_installed_types")
    for _ in range(2):
        migration.approve(apps, None)
    assert ("teamb", "https://ours.acme.example", "approved") in states() and is_usable(row)


def test_the_next_version_of_a_type_approves_nothing(operator, administrator):
    install_type(TYPE, actor=administrator)
    given = {"token": "$TeamB:ApiKey", "shop": "one"}
    row = services.create_connection("teams", actor=operator, name="T", settings=given).row
    elsewhere = TYPE.replace("acme.example", "other.example").replace("version: 1", "version: 2")
    install_type(elsewhere, actor=administrator)
    assert {state for _, _, state in states()} == {"requested"}
    assert ("teamb", "https://one.other.example", "requested") in states()
    assert not is_usable(row)


def test_thousands_of_hosts_are_looked_up_by_section_and_host(administrator):
    openai(administrator)
    wanted = {Destination("teamb", f"https://h{number}.example", None) for number in range(2500)}
    wanted |= {Destination("teamb", ORIGIN, None), Destination("other", ORIGIN, None)}
    assert wanted - unapproved(wanted).keys() == {Destination("teamb", ORIGIN, None)}
