"""The page of errors: each answer that it shows is asked for where that is cheap, and compared; of
the others, the shape is judged by the API's document, and the sentences by test_shape.py.
"""

import json
from functools import cache
from typing import Any

import jsonschema
import yaml

from .blocks import ROOT, Block
from .place import Answered, Place
from .printed import of_json

PAGE = "docs/errors.md"
PROVOKED = ROOT / "tests" / "documents" / "provoked.yaml"


@cache
def provoked() -> dict[str, Any]:
    """How to provoke which code, and the rows for it."""
    found: dict[str, Any] = yaml.safe_load(PROVOKED.read_text(encoding="utf-8"))
    return found


def compare(block: Block, place: Place) -> tuple[str, bool]:
    """How the server's answer differs from this one, and whether it was asked for."""
    shown = json.loads(block.text)
    if not (told := provoked()["codes"].get(shown["code"])):
        return _judge(shown), False
    _make_rows(place)
    answer = _ask(told, place)
    expected = {**shown, "detail": told.get("says", shown["detail"]), "...": "..."}
    if "status" not in shown:
        tried = [of_json(expected, one) for one in answer.json().get("errors", [])]
        return ("" if "" in tried else answer.text), True
    return of_json(expected, _problem(answer, shown["title"])), True


def _problem(answer: Answered, title: str) -> Any:
    """The answer; that of /v1 has the same in the shape of OpenAI's."""
    found = answer.json()
    if not isinstance(said := found.get("error"), dict):
        return found
    address = f"/docs/errors/#{said['code']}"
    told = {"code": said["code"], "detail": said["message"]}
    return {"type": address, "title": title, "status": answer.status, **told}


def _ask(told: dict[str, Any], place: Place) -> Answered:
    method, _, path = told["ask"].partition(" ")
    body = told.get("text", told.get("body"))
    if field := told.get("long"):
        body = {**body, field: 300 * "a"}
    headers = {name: str(value) for name, value in told.get("headers", {}).items()}
    if "X-Long" in headers:
        headers["X-Long"] = "a" * int(headers["X-Long"])
    path += "?filter=" + "a" * told["longer"] if "longer" in told else ""
    return place.ask(method, path, body, _token(told.get("token"), place), headers)


def _token(told: str | None, place: Place) -> str | None:
    if told is None or ":" not in told:
        return {None: None, "none": ""}.get(told, told)
    made = f"manage.py token create {told.partition(':')[0]} --user admin --scope {told}"
    return place.shell(f".venv/bin/python {made}").stdout.strip()


@cache
def _make_rows(place: Place) -> None:
    for address, rows in provoked()["rows"].items():
        for row in rows:
            made = place.ask("POST", address, row)
            if made.status != 201:
                raise ValueError(f"{row}: {made.text}")


@cache
def _validator(kind: str) -> Any:
    text = (ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8")
    components = yaml.load(text, yaml.CSafeLoader)["components"]
    schema = {"$ref": f"#/components/schemas/{kind}", "components": components}
    return jsonschema.Draft202012Validator(schema)


def _judge(shown: dict[str, Any]) -> str:
    kind = "Problem" if "status" in shown else "FieldProblem"
    here = {"instance": "/api/v1/connections"} if kind == "Problem" else {"pointer": "/name"}
    return wrong_by_schema(kind, {**here, **shown})


def wrong_by_schema(name: str, value: Any) -> str:
    """Why the API's document has no such value under this name; empty where it has."""
    wrong = next(_validator(name).iter_errors(value), None)
    return wrong.message if wrong else ""
