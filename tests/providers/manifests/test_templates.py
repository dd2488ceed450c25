"""Templates hold names and nothing more, and no value leads a credential to another host."""

from urllib.parse import unquote, urlsplit

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.core.errors import ProviderError
from providers.core.schema import validate
from providers.http.hosts import Hosts
from providers.manifests import ManifestError, provider_of
from providers.manifests.templates import TemplateError, as_it_is, in_header, parsed, path

from .manifests import made, manifest, problems

FIELDS = (
    "fields: [{key: sub, kind: slug}, {key: other, kind: slug}, {key: free}, {key: where, kind: "
    "choice, choices: [eu, us]}, "
)
FIELDS += (
    "{key: dotted, kind: choice, choices: [a.b]}, {key: sites, kind: choice, choices: "
    "[api.good.com, api.evil.com]}, {key: odd, kind: choice, choices: ['good.com/']}, "
    "{key: port, kind: integer}, {key: host, kind: host}, {key: url, kind: url}, "
)
FIELDS += "{key: token, kind: secret}]"


@pytest.mark.parametrize(
    "text",
    [
        "{a.b}",
        "{a!r}",
        "{a[0]}",
        "{0}",
        "{}",
        "{a:>10}",
        "{ a }",
        "{a",
        "a}",
        "{{a}",
        "{_a}",
        "{ä}",
        "{a-b}",
        "{{{",
    ],
)
def test_only_a_name_stands_in_braces(text: str):
    with pytest.raises(TemplateError):
        parsed(text)


@pytest.mark.parametrize(
    ("text", "filled"),
    [("{{}}", "{}"), ("{{a}}", "{a}"), ("x{a}{{", "x1{"), ("{a}{a}", "11"), ("", "")],
)
def test_double_braces_are_braces(text: str, filled: str):
    assert parsed(text).filled({"a": "1"}, as_it_is) == filled


@given(st.text(), st.text())
def test_a_value_is_never_read_as_a_template(before: str, value: str):
    text = before.replace("{", "{{").replace("}", "}}")
    assert parsed(text + "{a}").filled({"a": value}, as_it_is) == before + value


@given(st.lists(st.text(st.sampled_from("ab/.%?#\\ä@:"), min_size=1), min_size=1, max_size=3))
def test_a_value_stays_one_level_of_a_path(values: list[str]):
    names = [f"f{index}" for index in range(len(values))]
    try:
        made_path = path(
            "/a/" + "/".join(f"{{{name}}}" for name in names), dict(zip(names, values, strict=True))
        )
    except TemplateError:
        assert {".", ".."} & set(values)
        return
    assert [unquote(one) for one in made_path.split("/")[2:]] == values
    assert httpx2.URL(f"https://example.com{made_path}").raw_path.decode() == made_path


def test_dots_that_only_meet_in_the_path_are_refused():
    with pytest.raises(TemplateError):
        path("/{a}{b}/c", {"a": ".", "b": "."})


@pytest.mark.parametrize("value", ["a\r\nX: 1", "a\nb", "\x00", "ä", "a\x7f"])
def test_a_value_stays_one_line_of_a_header(value: str):
    with pytest.raises(TemplateError):
        in_header("a", value)


@pytest.mark.parametrize(
    ("base_url", "allowed", "said"),
    [
        ("https://{sub}.good.com", "['*.bad.com']", "outside allowed_hosts"),
        ("https://{sub}evil.com", "['*.good.com']", "outside allowed_hosts"),
        ("https://{sub}good.com", "['*.good.com']", "outside allowed_hosts"),
        ("https://{sub}", "['*.good.com']", "outside allowed_hosts"),
        ("https://{sub}{other}", "['*.good.com']", "outside allowed_hosts"),
        ("https://x.{sub}", "['*.good.com']", "outside allowed_hosts"),
        ("https://good.com.{sub}", "['*.good.com', good.com]", "outside allowed_hosts"),
        ("https://{where}.api.good.com", "[eu.api.good.com]", "outside allowed_hosts"),
        ("https://{sub}.good.com", "[]", "at least one host"),
        ("https://{free}.good.com", "['*.good.com']", "slug or choice, not string"),
        ("https://{host}.good.com", "['*.good.com']", "slug or choice, not host"),
        ("https://{url}.good.com", "['*.good.com']", "slug or choice, not url"),
        ("https://{token}.good.com", "['*.good.com']", "slug or choice, not secret"),
        ("https://{dotted}.good.com", "[b.good.com]", "outside allowed_hosts"),
        ("https://{dotted}", "['*.good.com']", "outside allowed_hosts"),
        ("https://{dotted}", "[c.b, b]", "outside allowed_hosts"),
        ("https://{sub}{dotted}", "['*.a.b', a.b]", "outside allowed_hosts"),
        ("https://{sites}", "[api.good.com]", "outside allowed_hosts"),
        ("https://{odd}", "['*.good.com']", "with dots between them"),
        ("https://{sub}@good.com", "[good.com]", "host's name"),
        ("https://user:{sub}@good.com", "[good.com]", "port is a number"),
        ("https://good.com:{port}", "[good.com]", "no field can be part"),
        ("https://good.com:0", "[good.com]", "port is a number"),
        ("https://good.com:443{port}", "[good.com]", "no field can be part"),
        ("https:{free}", "[good.com]", "begins with https://"),
        ("https:/{free}", "[good.com]", "begins with https://"),
        ("{free}://good.com", "[good.com]", "begins with https://"),
        ("{free}", "['{free}']", "kind is url or secret_url"),
        ("//good.com", "[good.com]", "begins with https://"),
        ("ftp://good.com", "[good.com]", "begins with https://"),
        ("https://good.com\\\\@evil.com", "[good.com]", "host's name"),
        ("https://good.com?x=1", "[good.com]", "host's name"),
        ("https://good.com#x", "[good.com]", "host's name"),
        ("https://good.com/a?b={free}", "[good.com]", "query belongs"),
        ("https://good.com/../a", "[good.com]", "may not be . or .."),
        ("https://good.com/%2e%2e/a", "[good.com]", "usual signs"),
        ("https://g\u043e\u043ed.com", "['*.good.com']", "xn--"),
        ("https://bücher.example", "[bücher.example]", "xn--"),
        ("https://{nobody}.good.com", "['*.good.com']", "no field nobody"),
        ("https://evil.com", "[good.com]", "evil.com is not among"),
        ("{url}", "['*.good.com']", 'allowed_hosts: ["{url}"]'),
        ("https://{host}", "['*.good.com']", 'allowed_hosts: ["{host}"]'),
        ("{url}.good.com", "['{url}']", "begins with https://"),
        ("{url}{sub}", "['{url}']", "begins with https://"),
        ("https://{host}:8443", "['{host}']", "none follows"),
    ],
)
def test_a_field_never_chooses_a_host_outside(base_url: str, allowed: str, said: str):
    found = problems(
        f"{FIELDS}\nbase_url: '{base_url}'\nallowed_hosts: {allowed}".replace("\\\\", "\\")
    )
    assert any(said in message for message in found.values()), found


@pytest.mark.parametrize("base_url", ["https://{sub}.good.com", "{url}", "https://{host}"])
def test_a_host_that_a_field_chooses_needs_allowed_hosts(base_url: str):
    assert "base_url" in problems(f"{FIELDS}\nbase_url: '{base_url}'")


@pytest.mark.parametrize(
    "pattern",
    [
        "*",
        "*.com",
        "*.co.uk",
        "*.com.au",
        "**.a.b",
        "a.*.com",
        "*a.com",
        "A.com",
        "https://a.com",
        "a.com/",
        "a_b.c",
        "a.com:0",
        "{nobody}",
        "",
    ],
)
def test_an_allowed_host_is_a_host_or_all_below_one(pattern: str):
    assert "allowed_hosts" in problems(
        f"base_url: https://api.good.com\nallowed_hosts: [api.good.com, '{pattern}']"
    )


@pytest.mark.parametrize(
    ("base_url", "allowed"),
    [
        ("https://{sub}.good.com/{free}", "['*.good.com']"),
        ("https://{sub}-{other}.good.com:8443", "['*.good.com']"),
        ("https://{where}.api.good.com", "[eu.api.good.com, us.api.good.com]"),
        ("https://{sub}.{where}.good.com", "['*.eu.good.com', '*.us.good.com']"),
        ("{url}/api", "['{url}']"),
        ("https://{host}/api", "['{host}']"),
        ("https://a.good.com", "['*.good.com']"),
    ],
)
def test_what_stays_within_is_a_manifest(base_url: str, allowed: str):
    found = manifest(
        f"{FIELDS}\nbase_url: '{base_url}'\nallowed_hosts: {allowed}\nauth: {{use: bearer, token: "
        "'{token}'}"
    )
    made_up = {
        "sub": "acme",
        "other": "b",
        "free": "x y",
        "where": "eu",
        "dotted": "a.b",
        "sites": "api.evil.com",
        "odd": "good.com/",
        "port": 1,
        "host": "h.example:81",
    }
    one = made(found, **made_up, url="http://u.example:82/v1", token="t")
    Hosts(one.base_url, one.allowed_hosts).refuse(httpx2.URL(one.base_url))


def test_a_host_follows_a_token_url_too():
    step = (
        "{use: oauth2_client, token_url: 'https://{sub}.evil.com/token', client_id: a, "
        "client_secret: '{token}'}"
    )
    found = problems(
        f"{FIELDS}\nbase_url: https://api.good.com\nallowed_hosts: ['*.good.com']\nauth: {step}"
    )
    assert found.keys() == {"auth[0].token_url"}


def test_the_host_of_a_variant_is_judged_by_its_own():
    found = problems(
        f"{FIELDS}\nallowed_hosts: ['*.good.com']\nbase_url: 'https://{{sub}}.good.com'\n"
        "variants: [{key: a, label: A}, {key: b, label: B, base_url: 'https://{sub}.evil.com'}]"
    )
    assert found.keys() == {"variants[1].base_url"}


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ("headers: {X-Key: '{token}'}", "headers.X-Key"),
        ("test: {cost: free, request: {query: {key: '{token}'}}}", "test[0].request.query.key"),
        ("test: {cost: free, request: {path: '/{token}'}}", "test[0].request.path"),
        (
            "test: {cost: free, request: {headers: {X-Key: '{token}'}}}",
            "test[0].request.headers.X-Key",
        ),
    ],
)
def test_a_secret_stands_under_auth_alone(lines: str, place: str):
    assert "belongs under auth" in problems(f"base_url: https://a.good.com\n{lines}")[place]


def test_a_secret_is_in_no_address_of_tokens():
    step = (
        "{use: oauth2_client, token_url: 'https://a.good.com/{token}', client_id: a, "
        "client_secret: b}"
    )
    assert (
        "is a secret"
        in problems(f"base_url: https://a.good.com\nauth: {step}")["auth[0].token_url"]
    )


def test_a_secret_address_takes_no_other_secret_along():
    fields = "[{key: hook, kind: secret_url}, {key: token, kind: secret}]"
    found = problems("base_url: '{hook}'\nallowed_hosts: ['{hook}']", fields=fields)
    assert "nobody sees where it leads" in found["base_url"]


@pytest.mark.parametrize(
    "path_text",
    ["x", "//evil.com", "https://evil.com", "/a?b=c", "/a#b", "/../a", "/a\\\\b", "/{nobody}"],
)
def test_the_path_of_a_test_stays_a_path(path_text: str):
    found = problems(
        (
            f"base_url: https://a.good.com\ntest: {{cost: free, request: {{path: '{path_text}'}}}}"
        ).replace("\\\\", "\\")
    )
    assert "test[0].request.path" in found


def test_a_template_asks_for_what_is_always_there():
    fields = (
        "[{key: kind, kind: choice, choices: [a, b]}, {key: x, kind: slug, visible_when: {kind: "
        "a}}, {key: y, required: false}]"
    )
    lines = "base_url: 'https://{x}.good.com/{y}'\nallowed_hosts: ['*.good.com']"
    found = problems(lines, fields=fields)["base_url"]
    assert "required" in found or "not always asked for" in found
    with pytest.raises(ManifestError) as caught:
        manifest(lines, fields=fields)
    assert len(caught.value.problems) == 2


def test_a_step_may_use_what_its_own_condition_shows():
    fields = "[{key: kind, kind: choice, choices: [a, b]}, {key: x, visible_when: {kind: a}}]"
    step = "base_url: https://a.good.com\nauth: {use: header, name: X-A, value: '{x}'"
    assert problems(f"{step}}}", fields=fields) and not problems(
        f"{step}, when: {{kind: a}}}}", fields=fields
    )


def test_a_variant_uses_its_own_fields_only():
    fields = "[{key: x, visible_when: {variant: a}}]"
    lines = (
        "base_url: https://a.good.com\nvariants: [{key: a, label: A}, {key: b, label: B}]\nauth: "
        "{use: header, name: X-A, value: '{x}'}"
    )
    assert "not always asked for" in problems(lines, fields=fields)["auth[0].value"]


MIDDLES = [
    "{sub}",
    "{other}",
    "{where}",
    "{dotted}",
    "{sites}",
    "{host}",
    "a",
    "b.c",
    ".",
    "-",
    "good.com",
    ".good.com",
    ":81",
    "@",
    "/",
    "{free}",
]
TYPED = st.text(st.sampled_from("ab1-.@:/\\?#%{}\u0435。 "), max_size=8)
GOOD = [
    "https://{sub}.good.com",
    "https://{sub}-{other}.good.com/{free}",
    "https://{sub}.{where}.good.com:81/{free}/x",
    "https://a.good.com/{free}",
]
BENIGN = {
    "sub": "s",
    "other": "o",
    "host": "h.example",
    "free": "f",
    "where": "eu",
    "dotted": "a.b",
    "sites": "api.evil.com",
    "odd": "good.com/",
    "port": 1,
    "url": "http://u.example",
}


@given(
    st.lists(st.sampled_from(MIDDLES), max_size=5),
    st.sampled_from(["", ".good.com", ".good.com/{free}"]),
)
def test_whatever_an_author_writes_the_host_is_within_allowed_hosts(pieces: list[str], end: str):
    allowed = "['*.good.com', '{host}']" if pieces == ["{host}"] else "['*.good.com']"
    try:
        found = manifest(
            f"{FIELDS}\nbase_url: 'https://{''.join(pieces)}{end}'\nallowed_hosts: {allowed}"
        )
    except ManifestError:
        return
    one = made(found, **BENIGN, token="t")
    assert within(one.base_url) or urlsplit(one.base_url).netloc == "h.example"
    Hosts(one.base_url, one.allowed_hosts).refuse(httpx2.URL(one.base_url))


@given(st.sampled_from(GOOD), TYPED, TYPED, TYPED)
def test_whatever_is_typed_the_host_is_within_allowed_hosts(
    base_url: str, sub: str, other: str, free: str
):
    provider = provider_of(
        manifest(f"{FIELDS}\nbase_url: '{base_url}'\nallowed_hosts: ['*.good.com']")
    )
    # as if nothing had judged the settings
    settings = provider.Settings.model_construct(
        **BENIGN | {"sub": sub, "other": other, "free": free, "token": "t"}
    )
    try:
        url = provider(settings).base_url
    except ProviderError as error:
        assert not any(one in error.message for one in (sub, other, free) if len(one) > 3)
        return
    assert within(url)


def within(url: str) -> bool:
    """Whether two readers of addresses see the same host, one below good.com."""
    hosts = {httpx2.URL(url).raw_host.decode(), urlsplit(url).hostname}
    return len(hosts) == 1 and str(hosts.pop()).endswith(".good.com")


@pytest.mark.parametrize(
    "value",
    [
        "a.b",
        "a/b",
        "a@b",
        "a:b",
        "a#b",
        "a?b",
        "a\\b",
        "a%2eb",
        "ä",
        "a。b",
        "-a",
        "a-",
        "",
        " ",
        "a b",
        "x" * 64,
    ],
)
def test_a_slug_is_one_label_of_a_host(value: str):
    provider = provider_of(manifest(fields="[{key: sub, kind: slug}]"))
    assert validate(provider, {"sub": value})[1]
