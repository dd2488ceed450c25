"""The pages of providers: the body of each is posted, and each spelling of each setting is used."""

import json
import re
from functools import cache
from typing import Any

import yaml

from .blocks import ROOT, Block, blocks_of, pages
from .place import Place
from .printed import of_json

FOLDER = "docs/providers/"
ROW = re.compile(r"^\| [^|]+ \| `(\w+)` \| `(\w+)` \| (.*?) \|.*?(Secret\. )?\|$", re.MULTILINE)
REFERENCE = re.compile(r"`(\$[\w:]+)`")


def give(block: Block, place: Place) -> str:
    """How the server took a page's body, in words; empty where all went well.

    The connection is made of the body, and has each setting refer to what the page's table says.
    As a file, in the spelling of files, it is planned as an import.
    """
    body = json.loads(block.text)
    made = place.ask("POST", "/api/v1/connections", body)
    if made.status != 201:
        return f"it was answered with {made.status}: {made.text}"
    settings = {**body.get("settings", {}), "...": "..."}
    wrong = of_json({**body, "settings": settings, "...": "..."}, made.json())
    for references in _references(block.page):
        wrong = wrong or _refer(place, body["alias"], references)
    place.ask("DELETE", f"/api/v1/connections/{body['alias']}")
    return wrong or _planned(place).get(body["alias"], "")


def _refer(place: Place, alias: str, references: dict[str, str]) -> str:
    done = place.ask("PATCH", f"/api/v1/connections/{alias}", {"settings": references})
    if done.status != 200:
        return f"{references} was answered with {done.status}: {done.text}"
    return of_json({**references, "...": "..."}, done.json()["settings"])


def _references(page: str) -> list[dict[str, str]]:
    """What each setting may refer to: by its section, and where a page has it, by a variable."""
    found = {api: REFERENCE.findall(cell) for api, _, cell, _ in rows(page) if cell[:1] == "`"}
    by_section = {api: first for api, (first, *_) in found.items()}
    by_variable = {api: rest[0] for api, (_, *rest) in found.items() if rest}
    return [one for one in (by_section, by_variable) if one]


@cache
def _planned(place: Place) -> dict[str, str]:
    """What is wrong with the connection of each page as a file, by aliases; all as one import."""
    folder = place.folder / "pages" / "connections"
    folder.mkdir(parents=True)
    aliases = []
    for page in (one for one in pages() if one.startswith(FOLDER)):
        for block in blocks_of(page):
            body = json.loads(block.text)
            aliases.append(body["alias"])
            text = yaml.safe_dump(_document(page, body))
            (folder / f"{body['alias']}.yaml").write_text(text, encoding="utf-8")
    command = f"manage.py package import {folder.parent} --dry-run --output json"
    done = place.shell(f".venv/bin/python {command}")
    if done.returncode:
        named = [one for one in aliases if f"{one}.yaml" in done.stderr] or aliases
        return dict.fromkeys(named, done.stderr)
    states = {one["alias"]: one["state"] for one in json.loads(done.stdout)["items"]}
    return {one: f"as a file it is {state}" for one, state in states.items() if state != "new"}


def _document(page: str, body: dict[str, Any]) -> dict[str, Any]:
    """The file of a package with what this body says."""
    found: dict[str, Any] = {"provider": body["providerId"], "settings": {}, "secrets": {}}
    for api, name, _, is_secret in rows(page):
        if api in body["settings"]:
            found["secrets" if is_secret else "settings"][name] = body["settings"][api]
    return found


def rows(page: str) -> list[tuple[str, str, str, str]]:
    """Of each setting: its name in the API and in files, its references, and `Secret.` if it is."""
    return ROW.findall((ROOT / page).read_text(encoding="utf-8"))
