"""The names of the conventions for generative AI are in one module, and are names of theirs."""

import re
from pathlib import Path
from typing import Any

from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics

from connections.telemetry import genai
from providers.core.registry import all_providers

ROOT = Path(__file__).resolve().parents[3]
NAME = re.compile(r"[\"']gen_ai\.")
HOME = "connections/telemetry/genai.py"


def test_no_other_module_writes_one_of_these_names():
    files = [
        path
        for room in ("backoffice", "gateway", "connections", "providers", "bench", "tests", "tools")
        for path in (ROOT / room).rglob("*.py")
    ]
    found = {str(one.relative_to(ROOT)) for one in files if NAME.search(one.read_text())}
    assert found == {HOME}


def test_each_is_a_name_of_the_conventions():
    known = {
        value
        for module in (gen_ai_attributes, gen_ai_metrics)
        for value in vars(module).values()
        if isinstance(value, str)
    }
    names = {value for value in vars(genai).values() if _is_name(value)}
    assert names and names <= known


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("gen_ai" + ".")


def test_providers_have_the_conventions_words():
    known = {one.value for one in gen_ai_attributes.GenAiProviderNameValues}
    assert {one.telemetry_name for one in all_providers()} - {""} <= known
    assert (genai.provider("mistral"), genai.provider("nobody")) == ("mistral_ai", "nobody")
    assert (genai.provider("openai"), genai.operation("Embedding")) == ("openai", "embeddings")
