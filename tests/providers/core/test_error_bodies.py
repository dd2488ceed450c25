"""Errors as services write them, in refusals and inside good answers."""

from typing import Any

import pytest

from providers.core import error_bodies
from providers.core.errors import ProviderError, from_answer, from_error_body

HOST = "api.example.com"


def refused(status: int, body: Any, **headers: str) -> ProviderError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return from_answer(status, HOST, named, body)


TOO_LONG: dict[str, tuple[int, Any]] = {
    "OpenAI": (400, {"error": {"message": "Too much.", "code": "context_length_exceeded"}}),
    "vLLM": (
        400,
        {"object": "error", "message": "This model's maximum context length is 4096 tokens."},
    ),
    "llama.cpp": (400, {"error": {"code": 400, "type": "exceed_context_size_error"}}),
    "Anthropic": (
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "prompt is too long: 210000 tokens > 200000 maximum",
            },
        },
    ),
    "Anthropic with max_tokens": (
        400,
        {
            "error": {
                "message": "input length and `max_tokens` exceed context limit: 190000 + 20000"
            }
        },
    ),
    "Google": (
        400,
        {
            "error": {
                "code": 400,
                "message": "The input token count (1200000) exceeds the maximum number of tokens.",
                "status": "INVALID_ARGUMENT",
            }
        },
    ),
    "Bedrock": (
        400,
        {"message": "Input is too long for requested model.", "code": "ValidationException"},
    ),
    "Mistral": (
        422,
        {
            "message": "Prompt contains 40000 tokens, too large for model with 32768 maximum "
            "context length"
        },
    ),
    "OpenRouter, for the service behind it": (
        400,
        {
            "error": {
                "code": 400,
                "message": "Provider returned error",
                "metadata": {"raw": '{"error": {"message": "prompt is too long", "code": null}}'},
            }
        },
    ),
    "a list": (400, [{"error": {"message": "The prompt is too long."}}]),
}


@pytest.mark.parametrize(("status", "body"), TOO_LONG.values(), ids=TOO_LONG)
def test_a_prompt_that_is_too_long_is_recognized(status: int, body: Any):
    error = refused(status, body)
    assert (error.code, error.permanent, error.is_about_request) == ("context_too_long", True, True)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, {"error": {"message": "max_tokens is too large: 999999."}}, "bad_request"),
        (400, {"error": {"message": "String is too long.", "param": "user"}}, "bad_request"),
        (
            413,
            {
                "error": {
                    "message": "Request too large for model `a` on tokens per minute (TPM)",
                    "code": "rate_limit_exceeded",
                }
            },
            "rate_limited",
        ),
        (413, {"error": {"message": "Too many bytes."}}, "bad_request"),
        (429, {"error": {"message": "Too many tokens per minute."}}, "rate_limited"),
        (500, {"error": {"message": "prompt is too long"}}, "error"),
    ],
)
def test_other_lengths_and_limits_are_no_matter_of_the_context(status: int, body: Any, code: str):
    assert refused(status, body).code == code


def test_the_code_and_the_field_of_the_service_are_kept():
    error = refused(400, {"error": {"message": "No.", "code": "bad_thing", "param": "tools[0].x"}})
    assert (error.status, error.service_code, error.service_param) == (
        400,
        "bad_thing",
        "tools[0].x",
    )


RAW = '{"error": {"message": "Bad tool", "code": "bad_tool"}}'
FAULT = {"msg": "Field required", "loc": ["body", "messages", 0, "role"]}
REASONS: dict[str, tuple[Any, str, str]] = {
    "behind OpenRouter": (
        {"error": {"code": 400, "message": "Provider error", "metadata": {"raw": RAW}}},
        "bad_tool",
        "Provider error: Bad tool",
    ),
    "no JSON behind it": (
        {"error": {"code": 400, "message": "Provider error", "metadata": {"raw": "<html>"}}},
        "",
        "Provider error",
    ),
    "Mistral": (
        {"object": "error", "message": {"detail": [FAULT]}, "code": "1300"},
        "1300",
        "Field required (messages.0.role)",
    ),
    "FastAPI": ({"detail": [FAULT, {"msg": 7}]}, "", "Field required (messages.0.role)"),
}


@pytest.mark.parametrize(("body", "code", "reason"), REASONS.values(), ids=REASONS)
def test_the_reason_and_the_code_are_found_where_services_hide_them(
    body: Any, code: str, reason: str
):
    error = refused(422, body)
    assert (error.service_code, error.said) == (code, reason)


@pytest.mark.parametrize(
    "code", ["429", 400, None, "", "two words", "x" * 101, ["a"], {"a": 1}, True]
)
def test_what_is_not_a_word_is_not_a_code(code: Any):
    assert refused(400, {"error": {"message": "No.", "code": code, "param": 7}}).service_code == ""


def test_what_a_filter_of_azure_found_is_kept_without_its_sentences():
    found = {
        "code": "ResponsibleAIPolicyViolation",
        "content_filter_result": {
            "violence": {"filtered": True, "severity": "medium"},
            "text": "A sentence that may repeat the prompt.",
        },
    }
    error = refused(400, {"error": {"code": "content_filter", "innererror": found}})
    assert error.service_details == {
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {"violence": {"filtered": True, "severity": "medium"}},
        }
    }


PROMPTS: dict[str, Any] = {
    "OpenRouter": {
        "code": 403,
        "message": "Your prompt was flagged",
        "metadata": {"reasons": ["violence"]},
    },
    "its metadata alone": {"code": 403, "message": "No", "metadata": {"reasons": ["violence"]}},
    "a code": {"code": "content_policy_violation", "message": "No"},
    "a type": {"type": "moderation_error", "message": "No"},
    "a sentence": {"message": "The request was blocked for safety reasons."},
}


@pytest.mark.parametrize("error", PROMPTS.values(), ids=PROMPTS)
def test_a_403_for_a_prompt_is_told_as_one(error: Any):
    found = refused(403, {"error": error})
    assert (found.code, found.is_about_request) == ("bad_request", True)
    assert error["message"] in found.said
    assert "metadata" not in error or "violence" in found.said


@pytest.mark.parametrize(
    "error",
    [
        {"code": "unsupported_country_region_territory", "message": "Not here."},
        {"message": "This model is not available in your region."},
        {"message": "Country, region, or territory not supported"},
    ],
)
def test_a_403_for_a_place_is_no_fault_of_the_key(error: Any):
    found = refused(403, {"error": error})
    assert (found.code, found.is_about_request, found.said) == ("forbidden", True, error["message"])


@pytest.mark.parametrize(
    "body",
    [
        None,
        {"error": {"message": "This key may not use this model."}},
        {"error": {"message": "Your account was flagged by our moderation."}},
    ],
)
def test_any_other_403_is_a_fault_of_the_key(body: Any):
    found = refused(403, body)
    assert (found.code, found.is_about_request, found.said) == ("forbidden", False, "")


IN_ANSWERS: dict[str, tuple[Any, str]] = {
    "alone": ({"error": {"message": "No", "code": 429}}, "rate_limited"),
    "a sentence": ({"error": "model crashed"}, "error"),
    "beside choices": (
        {"id": "1", "choices": [{"delta": {"content": ""}}], "error": {"code": 502}},
        "error",
    ),
    "in a choice": ({"choices": [{"error": {"code": 401}}]}, "unauthorized"),
    "the finish reason": ({"choices": [{"finish_reason": "error", "message": {}}]}, "error"),
    "a type": ({"error": {"type": "overloaded_error"}}, "error"),
    "a quota": ({"error": {"code": "insufficient_quota", "message": "No"}}, "quota"),
    "a quota by its type": ({"error": {"type": "billing_not_active", "message": "No"}}, "quota"),
    "Anthropic's quota": (
        {"type": "error", "error": {"message": "Your credit balance is too low to use the API"}},
        "quota",
    ),
    "Anthropic's": ({"type": "error", "error": {"type": "rate_limit_error"}}, "rate_limited"),
    "Google's": ({"error": {"code": 503, "status": "UNAVAILABLE"}}, "error"),
    "in an array": ([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}], "rate_limited"),
    "vLLM's": ({"object": "error", "message": "No", "code": 400}, "bad_request"),
    "a text as code": ({"error": {"code": "429"}}, "rate_limited"),
    "too long": ({"error": {"code": "context_length_exceeded", "status": 400}}, "context_too_long"),
}


@pytest.mark.parametrize(("answer", "code"), IN_ANSWERS.values(), ids=IN_ANSWERS)
def test_an_error_inside_an_answer_is_found(answer: Any, code: str):
    error = error_bodies.error_in(answer)
    assert error is not None and from_error_body(error, HOST).code == code


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": [{"finish_reason": "stop", "error": None}], "error": None},
        {"choices": [], "error": {}},
        {"choices": [{"delta": {"content": '{"error": "no"}'}}]},
        {"object": "chat.completion", "choices": [None]},
        "error",
        None,
    ],
)
def test_an_answer_without_one_has_none(answer: Any):
    assert error_bodies.error_in(answer) is None


NO_MODEL: dict[str, Any] = {
    "OpenAI": {"error": {"message": "The model `m` does not exist.", "code": "model_not_found"}},
    "Azure": {"error": {"code": "DeploymentNotFound", "message": "It does not exist."}},
    "Anthropic": {"type": "error", "error": {"type": "not_found_error", "message": "model: m"}},
    "Google": {"error": {"code": 404, "message": "models/m is not found for API version v1beta"}},
    "Ollama": {"error": "model 'm' not found"},
    "Moonshot": {"error": {"message": "Not found the model m or Permission denied"}},
}
NO_ADDRESS: dict[str, Any] = {
    "OpenAI": {"error": {"message": "Invalid URL (POST /v1/models/chat)"}},
    "Azure": {"error": {"code": "404", "message": "Resource not found"}},
    "FastAPI": {"detail": "Not Found"},
    "no JSON": None,
}


@pytest.mark.parametrize("body", NO_MODEL.values(), ids=NO_MODEL)
def test_a_model_that_is_not_there_is_told(body: Any):
    found = refused(404, body)
    assert (found.code, found.permanent, found.no_model_at) == ("not_found", True, HOST)
    assert "does not have such a model" in found.message


@pytest.mark.parametrize("body", NO_ADDRESS.values(), ids=NO_ADDRESS)
def test_an_address_that_is_not_there_is_told_from_a_model(body: Any):
    found = refused(404, body)
    assert "no such address" in found.message and not found.no_model_at
