"""Names and addresses as the network reads them."""

import ipaddress

import pytest

from providers.core.errors import BlockedAddress
from providers.http.addresses import reached_addresses, wire_name
from providers.http.egress import EgressPolicy

ANY, PUBLIC = EgressPolicy(), EgressPolicy(private=False)

METADATA = (
    *("169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192"),
    *("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:42::42"),
    *("fe80::a9fe:a9fe", "fd00:a9fe:a9fe::1", "fd00:100::100:200"),
)
WRAPPED = (
    "::ffff:169.254.169.254",  # mapped
    "::169.254.169.254",  # compatible
    "::ffff:0:169.254.169.254",  # translated
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::169.254.169.254",  # with a prefix of 96 bits
    "64:ff9b:1:a9fe:a9:fe00::",  # 48
    "64:ff9b:1:77a9:fe:a9fe::",  # 56
    "64:ff9b:1:7777:a9:fea9:fe00:0",  # 64
    "2001:db8:64::169.254.169.254",  # a NAT64 with a prefix of one's own
    "2002:a9fe:a9fe::1",  # 6to4
    "2001:0:4136:e378:8000:63bf:5601:5601",  # Teredo: the client's address is inverted
    "2001:0:a9fe:a9fe:8000:63bf:3fff:fdd2",  # Teredo: the server's is not
    "2a00:1::5efe:169.254.10.10",  # ISATAP
    "2a00:1::200:5efe:169.254.10.10",
    "2a00:1::5efe:168.63.129.16",
)
NOT_PUBLIC = (
    *("0.0.0.0", "0.1.2.3", "100.64.0.1", "192.0.0.1", "198.18.0.1", "192.0.2.1"),
    *("240.0.0.1", "fec0::1", "fc00::1", "fd12::1", "100::1", "2001:db8::1", "3fff::1", "5f00::1"),
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:0:8.8.8.8", "64:ff9b:1::8.8.8.8", "2002:a00:1::1"),
    *("64:ff9b::10.0.0.1", "2001:0:808:808::1", "2a00:1::5efe:10.0.0.1", "255.255.255.255"),
)


@pytest.mark.parametrize("address", METADATA + WRAPPED)
def test_metadata_is_never_asked_however_its_address_is_wrapped(address: str):
    with pytest.raises(BlockedAddress, match="metadata"):
        ANY.refuse_name(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_public_is_refused_where_private_addresses_are(address: str):
    ANY.refuse_address(address, ipaddress.ip_address(address))
    with pytest.raises(BlockedAddress, match="CONNECTIONS_EGRESS_PRIVATE"):
        PUBLIC.refuse_address(address, ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "172.15.0.1", "2606:4700::1111", "2001:200::1", "64:ff9b::808:808"]
)
def test_the_internet_is_asked(address: str):
    PUBLIC.refuse_address(address, ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "name",
    [
        *("metadata.google.internal.", "METADATA.GOOGLE.INTERNAL", "metadata.goog", "metadata"),
        *("instance-data", "instance-data.ec2.internal", "metadata.tencentyun.com"),
        *("instance-data.eu-west-1.compute.internal", "metadata。google。internal"),
        "metadata.google.internal.c.acme.internal",
    ],
)
def test_the_names_of_metadata_are_never_asked(name: str):
    with pytest.raises(BlockedAddress, match="metadata"):
        ANY.refuse_name(name)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("API.Example.COM.", "api.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("127。0｡0。1", "127.0.0.1"),
        ("[FD00::1]", "fd00::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("db_1.internal", "db_1.internal"),
    ],
)
def test_a_host_is_read_as_it_is_looked_up(host: str, name: str):
    assert wire_name(host) == name


@pytest.mark.parametrize(
    "host",
    [
        *("", "①②⑦.0.0.1", "１２７.0.0.1", "ⓛocalhost", "١٢٧.0.0.1"),  # noqa: RUF001
        "loc\u00adalhost",
        *("127.0.0.1%2e", "%31%32%37.0.0.1", "loc%61lhost", "127.0.0.1 x", "127.0.0.1\x00"),
        *("a@127.0.0.1", "127.0.0.1\\.example.com", "127.0.0.1/x", "127.0.0.1:80", "[::1"),
    ],
)
def test_what_clients_could_read_in_two_ways_is_no_host(host: str):
    with pytest.raises(BlockedAddress):
        ANY.refuse_name(host)


def test_an_allowed_host_may_be_written_in_its_own_letters():
    policy = EgressPolicy(allow=("*.bücher.example", "straße\x00"))
    policy.refuse_name("api.xn--bcher-kva.example")
    with pytest.raises(BlockedAddress, match="CONNECTIONS_EGRESS_ALLOW"):
        policy.refuse_name("bücher.example")


def test_a_plain_address_reaches_itself_only():
    assert [str(one) for one in reached_addresses(ipaddress.ip_address("2a00:1::1"))] == [
        "2a00:1::1"
    ]
