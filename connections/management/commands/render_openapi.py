"""`manage.py render_openapi`: docs/openapi.yaml, the API as /api/v1/schema describes it."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer

from connections.operator_command import OperatorCommand


class Command(OperatorCommand):
    """Writes the document, or with --check fails when it is not what it should be."""

    help = "Write docs/openapi.yaml. --check fails when it is out of date."

    examples = """
render_openapi
render_openapi --check
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="write nothing; fail when the document is out of date",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        path = settings.BASE_DIR / "docs" / "openapi.yaml"
        document = SchemaGenerator().get_schema(request=None, public=True)
        text = OpenApiYamlRenderer().render(document, renderer_context={}).decode()
        if not options["check"]:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            raise CommandError("docs/openapi.yaml is out of date. Run: make docs")
