"""What the environment says about proxies, and which one a host is asked through."""

import pytest

from providers.core.errors import BlockedAddress
from providers.http.proxies import Proxies, Proxy, read_exempt, read_proxy

READ = {  # as it is written: the address, and the value of Proxy-Authorization
    "http://proxy.example.com:3128": ("http://proxy.example.com:3128", ""),
    "proxy.example.com:3128": ("http://proxy.example.com:3128", ""),
    "http://proxy.example.com/": ("http://proxy.example.com:80", ""),
    "https://Proxy.Example.com.": ("https://proxy.example.com:443", ""),
    "http://[::1]:8080": ("http://[::1]:8080", ""),
    "http://me:p%40ss%3A@p:1": ("http://p:1", "Basic bWU6cEBzczo="),
    "http://me@p:1": ("http://p:1", "Basic bWU6"),
}
WRONG = (
    *("http://", "http://p:port", "http://p:70000", "http://p:0", "http://p/path"),
    *("http://p?x=1", "http://p#x", "http://p q", "http://me:a/b@p:1", "ftp://p", "http://[::1"),
)


@pytest.mark.parametrize("text", READ)
def test_a_proxy_is_read(text: str):
    found = read_proxy(text, "HTTPS_PROXY")
    assert (found.url, found.authorization) == READ[text]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_not_a_proxy_is_refused_without_repeating_it(text: str):
    with pytest.raises(ValueError, match="is not the address of a proxy") as caught:
        read_proxy(text, "HTTPS_PROXY")
    assert text == "http://" or text not in str(caught.value)


@pytest.mark.parametrize("scheme", ["socks5", "SOCKS5h", "socks4a", "socks"])
def test_socks_is_refused_with_what_there_is_instead(scheme: str):
    with pytest.raises(ValueError, match="only those at http:// and https:// are") as caught:
        read_proxy(f"{scheme}://me:hunter2@p:1", "HTTPS_PROXY")
    assert "hunter2" not in str(caught.value)


EXEMPT = {  # NO_PROXY: addresses that are asked directly, and addresses that are not
    "example.com": ("example.com EXAMPLE.com. a.example.com example.com:8443", "anexample.com"),
    ".example.com": ("example.com a.b.example.com", "example.com.evil.example"),
    "*.example.com": ("a.example.com", "example.org"),
    "a.example, b.example c.example": ("a.example b.example c.example", "d.example"),
    "example.com:8443": ("example.com:8443 a.example.com:8443", "example.com example.com:80"),
    "example.com:443": ("example.com", "example.com:8443"),
    "10.1.2.3": ("10.1.2.3 167838211", "10.1.2.4 10.1.2.3.example"),
    "10.0.0.0/8": ("10.1.2.3 10.255.0.1:8080", "11.0.0.1 ten.example"),
    "10.1.2.3:8080": ("10.1.2.3:8080", "10.1.2.3"),
    "2001:db8::/32": ("[2001:db8::5]", "[2001:db9::5]"),
    "2001:db8::5": ("[2001:db8:0::5]:8443", "[2001:db8::6]"),
    "[2001:db8::5]:8443": ("[2001:db8::5]:8443", "[2001:db8::5]"),
    "b\u00fccher.example": ("xn--bcher-kva.example b\u00fccher.example", "bucher.example"),
    "*": ("example.com 10.0.0.1 [2001:db8::1]", ""),
    "": ("localhost a.localhost 127.0.0.1 127.1 [::1] [::ffff:127.0.0.1]", "example.com 10.0.0.1"),
}


def split(address: str) -> tuple[str, int | None]:
    host, _, port = address.rpartition(":")
    return (host, int(port)) if host and port.isdigit() else (address, None)


@pytest.mark.parametrize("text", EXEMPT)
def test_no_proxy_names_hosts_domains_addresses_networks_and_ports(text: str):
    proxy = read_proxy("http://p:1", "HTTPS_PROXY")
    proxies = Proxies(proxy, proxy, read_exempt(text))
    for hosts, expected in zip(EXEMPT[text], (None, proxy), strict=True):
        for one in hosts.split():
            assert proxies.of("https", *split(one)) == expected, one


@pytest.mark.parametrize("text", ["http://a.example", "10.0.0.0/33", "a.example:x", "a b_@c", "."])
def test_another_exception_is_refused(text: str):
    with pytest.raises(ValueError, match="holds something else"):
        read_exempt(text)


def test_each_scheme_has_its_own():
    one, two = Proxy("http", "one", 1), Proxy("http", "two", 2)
    proxies = Proxies(one, two)
    assert [proxies.of(scheme, "a.example", None) for scheme in ("http", "https")] == [one, two]
    assert Proxies(https=two).of("http", "a.example", None) is None


def test_a_connections_own_proxy_reads_no_request():
    own = Proxies(*[Proxy("http", "one", 1, is_own=True)] * 2)
    assert own.of("https", "a.example", None) and own.of("http", "localhost", 80) is None
    with pytest.raises(BlockedAddress, match=r"a\.example is asked without TLS"):
        own.of("http", "a.example", None)
