"""What the documents name in code, against the code: settings, addresses, commands with their
options, targets of make, scopes, and any other name that looks like one of ours.
"""

import argparse
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, URLResolver, get_resolver, resolve
from markdown_it import MarkdownIt

from backoffice.settings import ENVIRONMENT
from connections.services import Scope

from .blocks import COMMANDS, ROOT

NAMES = ROOT / "tests" / "documents" / "foreign_names.yaml"
DEVELOPERS = ("CONTRIBUTING.md", *(f"docs/{one}.md" for one in ("changes", "pages", "scaling")))
# in front of Django; of OpenTelemetry; of others, and said not to be served
ELSEWHERE = ("/metrics", "/v1/metrics", "/v1/traces", "/v1/messages", "/v1/responses")
OURS = ("CONNECTIONS_", "GATEWAY_", "SIGN_IN_", "API_THROTTLE", "DATABASE_", "CACHE_", "AUDIT_")
SAMPLES = ("00000000-0000-4000-8000-000000000000", "1", "x", "chat", "openai", "connections/x")
METHOD = r"(?:(?:GET|POST|PUT|PATCH|DELETE|HEAD)(?:, | or |/)?)+"
GATEWAY = re.compile(r"/v1(/(chat/completions|embeddings|models(/[^/]+)?|\.\.\.))?/?")
CAPS = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+|[a-z]+(?:[A-Z][a-z0-9]+)+")
SCOPE = re.compile(r"(?:connections|profiles|gateway|usage|audit):[a-z]+")
WORD = re.compile(r"[A-Za-z0-9_]+")
TARGET = re.compile(r"\bmake ([a-z][\w-]*)(?=[\s`;)]|$)")
# `NAME` (30), `NAME` | `30`, `NAME` is 30
DEFAULTS = tuple(
    re.compile(rf"`([A-Z][A-Z0-9_]+)` {form}")
    for form in (r"\((\d[\d,]*)\b", r"\| `(\d[\d,]*)` \|", r"is (\d[\d,]*)\b")
)
KINDS = (".py", ".yaml", ".yml", ".html", ".toml", ".js", ".service", ".sh", "")


# What is to be filled in, and what there was once.
LEFT_OUT = {(COMMANDS, "setting"), ("CHANGELOG.md", "address")}


@cache
def foreign() -> frozenset[str]:
    """Names of others."""
    groups = yaml.safe_load(NAMES.read_text(encoding="utf-8")).values()
    return frozenset(name for group in groups for name in group)


def inline_code(text: str) -> list[str]:
    """What stands in backticks."""
    tokens = MarkdownIt().enable("table").parse(text)
    inline = (child for token in tokens for child in token.children or ())
    return [one.content for one in inline if one.type == "code_inline"]


def fenced(text: str, *languages: str) -> list[str]:
    """The lines of the blocks in these languages, continued lines as one."""
    found = [
        token.content.replace("\\\n", " ")
        for token in MarkdownIt().parse(text)
        if token.type == "fence" and token.info.strip() in languages
    ]
    return [line for one in found for line in one.splitlines()]


@cache
def settings_names() -> frozenset[str]:
    """Every setting that is read, and those of a file that holds one."""
    told = yaml.safe_load((ROOT / "backoffice" / "settings.yaml").read_text(encoding="utf-8"))
    files = ENVIRONMENT.secret_files
    entries = {one.strip() for group in told.values() for name in group for one in name.split(",")}
    return frozenset({*ENVIRONMENT.variables, *files, *entries, "SWITCHBOARD_ADMIN_PASSWORD_FILE"})


@cache
def source_words(*more: str) -> frozenset[str]:
    """Every word of the code, of what is deployed, of the API's document and of the list of
    metrics, which is made from the code; and of these folders.
    """
    listed = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()
    words: set[str] = set()
    for name in [one for one in listed if _is_source(one) or one.startswith(more)]:
        words.update(WORD.findall((ROOT / name).read_text(encoding="utf-8", errors="ignore")))
    return frozenset(words)


def _is_source(name: str) -> bool:
    if name in ("docs/openapi.yaml", "docs/metrics.md", "Makefile"):
        return True
    return (
        not name.startswith(("docs/", "tests/", "locale/", "bench/"))
        and (ROOT / name).is_file()
        and Path(name).suffix in KINDS
    )


def wrong_defaults(text: str) -> Iterator[str]:
    """Numbers that a page gives as the default of a setting, where the code has another one."""
    found = [pair for form in DEFAULTS for pair in form.findall(text)]
    for name, number in [pair for pair in found if pair[0] in ENVIRONMENT.variables]:
        default = ENVIRONMENT.variables[name].default.partition(",")[0]
        if number.replace(",", "") != default:
            yield f"{name} is {default}, not {number}"


def unknown_words(page: str) -> Iterator[str]:
    """What a document names that the code does not know."""
    text = (ROOT / page).read_text(encoding="utf-8")
    tests = source_words("tests/", "bench/") if page in DEVELOPERS else frozenset()
    for one in _unknown_words(text):
        kind, _, name = one.partition(" ")
        if name not in tests and (page, kind) not in LEFT_OUT:
            yield one


def _unknown_words(text: str) -> Iterator[str]:
    for code in inline_code(text):
        yield from unknown_in(code)
    for line in fenced(text, "sh", "dotenv", "text"):
        yield from _unknown_commands(line)
        yield from _unknown_settings(line)


def unknown_in(code: str) -> Iterator[str]:
    """What one piece of inline code names that the code does not know."""
    yield from _unknown_settings(code)
    yield from _unknown_commands(code)
    if found := re.fullmatch(rf"(?:{METHOD} )?(/[\w{{}}./*<>-]*)(?:\?.*)?", code):
        yield from _unknown_address(found[1])
    if SCOPE.fullmatch(code) and code not in {*Scope, "connections:reveal"}:
        yield f"scope {code}"
    if NAME.fullmatch(code) and code not in source_words() | foreign():
        yield f"name {code}"


def _unknown_settings(code: str) -> Iterator[str]:
    for name in CAPS.findall(code):
        is_ours = name.startswith(OURS) and not name.endswith("_")
        known = settings_names() if is_ours else source_words() | settings_names()
        if name in known | foreign() or hasattr(settings, name) or name.startswith("OIDC_"):
            continue
        yield f"setting {name}"


def _unknown_address(path: str) -> Iterator[str]:
    if path == "/" or not _is_address(path) or GATEWAY.fullmatch(path) or path in ELSEWHERE:
        return
    plain = re.sub(r"\.\.\.(?=/)", "{}", path).removesuffix("...")
    if any(one.startswith(plain.strip("/")) for one in _routes(get_resolver())):
        return
    for sample in SAMPLES:
        tried = re.sub(r"\{[^}]*\}|<[^>]*>", sample, plain)
        for one in {tried, f"{tried.rstrip('/')}/", tried.rstrip("/")}:
            try:
                resolve(one)
            except Resolver404:
                continue
            return
    yield f"address {path}"


def _routes(resolver: URLResolver) -> Iterator[str]:
    """The beginnings of addresses, up to the first part that is another one each time."""
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            yield from (f"{one.pattern}{rest}" for rest in _routes(one))
        else:
            yield str(one.pattern)


def _is_address(path: str) -> bool:
    """True for what begins like one of this server's; the others are paths of a machine."""
    first = path.split("/")[1]
    return any(one.partition("/")[0] == first for one in _routes(get_resolver())) or first == "v1"


def _unknown_commands(code: str) -> Iterator[str]:
    made = TARGET.findall(code) if code.startswith("make ") else ()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8") if made else ""
    yield from (f"target {name}" for name in made if f"\n{name}:" not in makefile)
    if called := re.search(r"(?:^|[\s(])(?:\S*/)?manage\.py ([a-z_]+)(.*)", code):
        yield from unknown_call(called[1], called[2])
    elif (name := code.partition(" ")[0]) in _parsers() and " " in code:
        yield from unknown_call(name, code.removeprefix(name))


def unknown_call(name: str, rest: str) -> Iterator[str]:
    """What of a command's words the command does not take."""
    if name not in _parsers():
        if name not in {*get_commands(), "help"}:
            yield f"command {name}"
        return
    parser = _parsers()[name]
    words = re.split(r"\s+", re.split(r"[#<>]|\$\(|\|(?= )", rest)[0].strip())
    choices = _choices(parser)
    acts = words[0].split("|") if words and re.fullmatch(r"[a-z|-]+", words[0]) else []
    if choices:
        yield from (f"command {name} {act}" for act in acts if act not in choices)
    known = {one for act in acts or choices for one in _options(choices.get(act, parser))}
    known |= _options(parser)
    for option in re.findall(r"(?<![\w-])--?[a-z][\w-]*", " ".join(words)):
        if option not in known:
            yield f"option {name} {' '.join(acts[:1])} {option}"


@cache
def _parsers() -> dict[str, argparse.ArgumentParser]:
    ours = ("backoffice", "connections", "gateway")
    found = {name: app for name, app in get_commands().items() if app.split(".")[0] in ours}
    return {
        name: load_command_class(app, name).create_parser("manage.py", name)
        for name, app in found.items()
    }


def _choices(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for one in parser._actions:
        if isinstance(one, argparse._SubParsersAction):
            return dict(one.choices)
    return {}


def _options(parser: argparse.ArgumentParser) -> set[str]:
    return set(parser._option_string_actions)
