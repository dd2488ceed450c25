"""The parts of the OpenAPI document that drf-spectacular cannot read off the code.

Words and examples are data: document.yaml for all operations, operations.yaml for each, and the
files that rooms register.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from providers.core.yaml import FASTER

from .camelcase import camel
from .components import Schema
from .problem_bodies import CONTENT_TYPE
from .problems import ProblemSerializer

COMMON = Path(__file__).with_name("document.yaml")
TEXTS = Path(__file__).with_name("fields.yaml")
ALWAYS = (401, 403, 406, 429, 503, 507)  # the last two: connections/outages.py
MERGE = "application/merge-patch+json"
LONGEST_IN_PATHS = {"idOrAlias": 100, "providerId": 100, "capability": 50}

_files = [Path(__file__).with_name("operations.yaml")]


def register_operations(file: Path) -> None:
    """Let a room describe its operations: `file` is laid out as operations.yaml."""
    _files.append(file)


@cache
def read_data(file: Path) -> Schema:
    """The content of a data file beside the code, read when the document is first asked for.

    Not to be changed. Raises OSError, yaml.YAMLError.
    """
    found: Schema = yaml.load(file.read_text(), Loader=FASTER)  # noqa: S506 made of SafeLoader
    return found


def described_operations() -> dict[str, Schema]:
    """The content of all data files on operations, by operationId."""
    return {name: said for file in _files for name, said in read_data(file)["operations"].items()}


def answers(success: Any, body: Any, *problems: int) -> dict[Any, Any]:
    """The answers of an operation: its success, the problems named, and those that every operation
    can give. `success`: its status, or that and the media type.
    """
    return {success: body} | problem_answers(*problems, *ALWAYS)


def problem_answers(*statuses: int) -> dict[Any, Any]:
    """A problem for each status."""
    return {(status, CONTENT_TYPE): ProblemSerializer for status in sorted({*statuses})}


@cache
def items_of(serializer: Any, total: bool = True, paged: bool = True) -> Any:
    """`{total, items, next}`, `{total, items}` of a list without pages, or `{items}` alone."""
    is_field = issubclass(serializer, serializers.Field) and not issubclass(
        serializer, serializers.BaseSerializer
    )
    items = serializers.ListField(child=serializer()) if is_field else serializer(many=True)
    name = serializer.__name__.removesuffix("Serializer").removesuffix("Field").removesuffix("Item")
    fields: dict[str, Any] = {"total": serializers.IntegerField(min_value=0)} if total else {}
    fields["items"] = items
    if total and paged:
        fields["next"] = serializers.CharField(
            required=False,
            help_text="What `after` takes for the next page. Absent when this is the last.",
        )
    return inline_serializer(f"{name}{'Page' if total else 'List'}", fields)


def only_v1(endpoints: list[Any], **_kwargs: Any) -> list[Any]:
    """A preprocessing hook: the document describes /api/v1, not the prefixes that mirror it."""
    return [one for one in endpoints if one[0].startswith("/api/v1/")]


def complete_operations(result: Schema, **_kwargs: Any) -> Schema:
    """A postprocessing hook: path parameters in camelCase, and texts, examples and headers."""
    result["paths"] = {
        re.sub(r"{(\w+)}", lambda match: f"{{{camel(match[1])}}}", path): operations
        for path, operations in result["paths"].items()
    }
    result["components"]["securitySchemes"] = read_data(COMMON)["securitySchemes"]
    result |= {name: read_data(COMMON)[name] for name in ("servers", "tags")}
    _describe_fields(result["components"]["schemas"])
    for path, method, operation in operations_of(result):
        said = described_operations()[operation["operationId"]]
        operation["summary"] = said["summary"]
        rights = operation.pop("description", "")  # of documented.AccessSchema
        operation["description"] = f"{said['description']} {rights}".strip()
        operation["security"] = [{name: []} for name in read_data(COMMON)["securitySchemes"]]
        is_row = path.endswith(("/{idOrAlias}", "/{idOrAlias}/alias", "/{number}/restore"))
        _complete_request(operation, said)
        if is_row and method != "get":
            operation["parameters"].append(read_data(COMMON)["ifMatch"])
        for status, answer in operation["responses"].items():
            _complete_answer(int(status), answer, said, is_row)
    return result


def suit_generators(result: Schema, **_kwargs: Any) -> Schema:
    """A postprocessing hook, the last one, for programs that write clients: they call classes by
    `title`, two by the same one, and require what has a default.
    """
    schemas = result["components"]["schemas"]
    for name, schema in schemas.items():
        schemas[name] = {key: value for key, value in schema.items() if key != "title"}
        if "properties" in schema:
            fields = schema["properties"].items()
            schemas[name]["properties"] = {field: _without_default(one) for field, one in fields}
    return result


def _without_default(field: Schema) -> Schema:
    if "default" not in field:
        return field
    told = f"{field.get('description', '')} By default `{json.dumps(field['default'])}`."
    rest = {key: value for key, value in field.items() if key != "default"}
    return rest | {"description": told.strip()}


def _describe_fields(schemas: Schema) -> None:
    texts = read_data(TEXTS)["fields"]
    for component, schema in schemas.items():
        for name, field in schema.get("properties", {}).items():
            if "description" not in field and "$ref" not in field:
                text = texts.get(f"{component}.{name}") or texts[name]
                schema["properties"][name] = field | {"description": text}  # others may share it


def _complete_request(operation: Schema, said: Schema) -> None:
    for parameter in operation.get("parameters", []):
        name = parameter["name"] = camel(parameter["name"])
        if not parameter.get("description"):
            parameter["description"] = read_data(TEXTS)["parameters"][name]
        if parameter["in"] == "path":
            bounds = {"maxLength": LONGEST_IN_PATHS[name]} if name in LONGEST_IN_PATHS else {}
            parameter["schema"] = {"type": "string", "minLength": 1} | parameter["schema"] | bounds
            parameter["example"] = said["path"][name]
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True  # no body is not an empty object: ApiView.valid
        content = operation["requestBody"]["content"]
        if "application/json" in content and content.pop(MERGE, None):
            # generators make two arguments of two types of one body
            operation["description"] += f" The body may be sent as `{MERGE}`, too."
        for media in content.values():
            media["examples"] = said["request"]


def _complete_answer(status: int, answer: Schema, said: Schema, is_row: bool) -> None:
    common, own = read_data(COMMON), said.get("headers", {})
    answer["description"] = said.get("responses", {}).get(status) or common["responses"][status]
    headers = dict(common["headers"].get(status, {}))
    headers |= common["headers"]["row"] if is_row and status == 200 else {}
    headers |= own.get("all", {}) | own.get(status, {})
    if headers:
        answer["headers"] = headers
    for media in answer.get("content", {}).values():
        if 200 <= status < 300 and "answer" in said:
            media["examples"] = said["answer"]


def operations_of(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Path, method and description of every operation of a document."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation
