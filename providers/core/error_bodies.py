"""Errors as services tell them: in the body of a refusal, and in the middle of a good answer.

The shapes are those of OpenAI (platform.openai.com/docs/guides/error-codes), Azure, OpenRouter
(openrouter.ai/docs/api-reference/errors), Anthropic (platform.claude.com/docs/en/api/errors),
Google (cloud.google.com/apis/design/errors), Mistral, and servers of open models.
"""

import re
from collections.abc import Mapping
from typing import Any

from .texts import OBJECT, parse_json

CODE = re.compile(r"[A-Za-z][\w.:-]{0,99}", re.ASCII)
CODE_OR_NUMBER = re.compile(rf"{CODE.pattern}|\d{{4,9}}", re.ASCII)  # Mistral's have four digits
PARAM = re.compile(r"[\w.\[\]-]{1,200}", re.ASCII)
DEEPEST_DETAIL = 4
# The HTTP status of an error that came without one, by its type or code.
STATUSES = {
    "invalid_request_error": 400,
    "invalid_argument": 400,
    "validation_error": 400,
    "bad_request": 400,
    "context_length_exceeded": 400,
    "string_above_max_length": 400,
    "content_filter": 400,
    "content_policy_violation": 400,
    "invalid_prompt": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "invalid_auth": 401,
    "token_revoked": 401,
    "unauthenticated": 401,
    "billing_error": 402,
    "insufficient_quota": 402,
    "permission_error": 403,
    "permission_denied": 403,
    "not_found_error": 404,
    "not_found": 404,
    "model_not_found": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "too_many_requests": 429,
    "resource_exhausted": 429,
    "timeout_error": 504,
    "deadline_exceeded": 504,
    "overloaded_error": 529,
    "unavailable": 503,
}
# What says that the prompt and the answer do not fit into the model: codes and types, then words of
# Anthropic, Google, Bedrock, Mistral, vLLM and llama.cpp, who have no code for it.
CONTEXT_CODES = frozenset(
    {
        "context_length_exceeded",
        "context_window_exceeded",
        "model_context_window_exceeded",
        "exceed_context_size_error",
        "prompt_too_long",
        "model_max_prompt_tokens_exceeded",
    }
)
CONTEXT_WORDS = re.compile(
    r"(?:prompt|input|request|message|conversation)s? (?:is|are) too (?:long|large)\b"
    r"|too (?:long|large) for (?:the )?(?:requested )?model"
    r"|(?:input|prompt|total)?[ _]?token count\b.{0,40}\bexceed"
    r"|max(?:imum)? context (?:length|size|window)"
    r"|exceed\w*\b.{0,60}\bcontext (?:length|size|window|limit)"
    r"|context (?:length|size|window|limit)\b.{0,40}\bexceed"
    r"|too many (?:input |prompt )?tokens\b(?! per)",
    re.IGNORECASE | re.DOTALL,
)
# What says that a 404 is about the model and not about the address.
MODEL_CODES = frozenset({"model_not_found", "deploymentnotfound", "invalid_model"})
MODEL_WORDS = re.compile(r"(?<![/\w])(?:models?|deployments?)\b", re.IGNORECASE)
# What says that an account has no credit left: OpenAI, Moonshot, DeepSeek; then Anthropic's words
# (platform.claude.com/docs/en/api/errors has no type for it).
CREDIT_CODES = frozenset(
    {
        "insufficient_quota",
        "billing_not_active",
        "billing_hard_limit_reached",
        "exceeded_current_quota_error",
        "insufficient_balance",
        "insufficient_credits",
    }
)
CREDIT_WORDS = re.compile(
    r"credit balance is too low|insufficient (?:account )?(?:balance|credits?|funds)\b"
    r"|(?:run|ran) out of credits?\b",
    re.IGNORECASE,
)
# What says that a 403 is about the prompt, or about where it came from, and not about the key.
ACCOUNT = re.compile(r"\b(?:account|organi[sz]ation|project|api[ -]key)\b", re.IGNORECASE)
POLICY = re.compile(
    r"moderation|flagged|content[ _-]?(?:policy|filter|management)|usage polic|safety"
    r"|responsible\s?ai",
    re.IGNORECASE,
)
PLACE = re.compile(
    r"\b(?:country|region|territory|location|jurisdiction)\b.{0,60}\b(?:not|un)\s?(?:supported|available|allowed)"
    r"|\b(?:not|un)\s?(?:supported|available|allowed)\b.{0,60}\b(?:country|region|territory|location)"
    r"|unsupported_country",
    re.IGNORECASE | re.DOTALL,
)


def error_in(found: Any) -> Any:
    """The error that an answer or a chunk of status 200 carries, with or beside choices; None where
    it carries none.

    An object of `error`, of a choice or of the whole; an empty dict where only the finish reason
    says that it failed.
    """
    if isinstance(found, list):  # Google's streams may be one array
        return next((one for one in map(error_in, found) if one is not None), None)
    if not isinstance(found, OBJECT):
        return None
    if found.get("error"):
        return found["error"]
    if found.get("type") == "error" or (found.get("object") == "error" and "message" in found):
        return found
    choices = found.get("choices")
    for one in choices if isinstance(choices, list) else []:
        if isinstance(one, OBJECT) and (one.get("error") or one.get("finish_reason") == "error"):
            return one.get("error") or {}
    return None


def status_in(error: Any) -> int:
    """The HTTP status that an error inside an answer amounts to; 500 where it does not tell."""
    if not isinstance(error, Mapping):
        return 500
    for name in ("code", "status", "status_code", "http_status", "statusCode", "type"):
        told = error.get(name)
        if isinstance(told, str):
            told = int(told) if re.fullmatch(r"[45]\d\d", told) else STATUSES.get(told.lower())
        if isinstance(told, int) and 400 <= told <= 599:
            return told
    return 500


def text_in(body: Any, name: str) -> str:
    """A text of `{"error": {...}}`, or of the object itself, as OpenAI's SDK unpacks it."""
    inner = _inner(body)
    found = inner.get(name) if isinstance(inner, Mapping) else inner if name == "message" else None
    return found if isinstance(found, str) else ""


def reason_in(body: Any) -> str:
    """The sentences with which a service refused a request, empty where it gave none.

    OpenRouter tells the reasons of a moderation, and the words of the service behind it, in
    `metadata`.
    """
    reason = _own_reason(body)
    reasons = _metadata(body).get("reasons")
    if isinstance(reasons, list) and (words := [one for one in reasons if isinstance(one, str)]):
        reason = f"{reason} ({', '.join(words)})".strip()
    return ": ".join(one for one in (reason, _own_reason(_behind(body))) if one)


def _own_reason(body: Any) -> str:
    """The reason without that of another service. `detail`, which Mistral has in `message`, may be
    a list of faults, as FastAPI writes them.
    """
    reason = text_in(body, "message") or text_in(body, "detail")
    inner = _inner(body)
    if reason or not isinstance(inner, Mapping):
        return reason
    message = inner.get("message")
    detail = (message if isinstance(message, Mapping) else inner).get("detail")
    if isinstance(detail, str):
        return detail
    faults = [one for one in detail if isinstance(one, Mapping)] if isinstance(detail, list) else []
    told = [f"{one['msg']}{_place(one)}" for one in faults if isinstance(one.get("msg"), str)]
    return "; ".join(told)


def _place(fault: Mapping[str, Any]) -> str:
    """Where in the request a validator found a fault, in brackets."""
    steps = fault.get("loc")
    named = isinstance(steps, list) and ".".join(str(one) for one in steps if one != "body")
    return f" ({named})" if named and PARAM.fullmatch(named) else ""


def code_in(body: Any) -> str:
    """The service's own code of an error, else that of the service behind it, empty where they have
    none: a word, or a number that is no HTTP status.
    """
    inners = (one for one in map(_inner, (body, _behind(body))) if isinstance(one, Mapping))
    told = (one.get(name) for one in inners for name in ("code", "status"))
    return next((one for one in told if isinstance(one, str) and CODE_OR_NUMBER.fullmatch(one)), "")


def param_in(body: Any) -> str:
    """The field of the request that the service blames, empty where it names none."""
    found = text_in(body, "param")
    return found if PARAM.fullmatch(found) else ""


def details_in(body: Any) -> dict[str, Any]:
    """What a filter of Azure's found: `innererror`, with its words and marks and no sentences.

    learn.microsoft.com/azure/ai-services/openai/concepts/content-filter
    """
    inner = _inner(body)
    found = inner.get("innererror") if isinstance(inner, Mapping) else None
    kept = _marks(found, DEEPEST_DETAIL)
    return {"innererror": kept} if kept and isinstance(kept, dict) else {}


def is_about_context(body: Any) -> bool:
    """True for a refusal because the prompt is longer than the model can read."""
    told = (code_in(body), text_in(body, "type"), text_in(_behind(body), "type"))
    if any(one.lower() in CONTEXT_CODES for one in told):
        return True
    return not is_about_rate(body) and CONTEXT_WORDS.search(reason_in(body)) is not None


def is_about_model(body: Any) -> bool:
    """True for a 404 because there is no such model, or none that the key may use."""
    told = (code_in(body), text_in(body, "type"))
    if any(one.lower() in MODEL_CODES for one in told):
        return True
    return MODEL_WORDS.search(reason_in(body)) is not None


def is_about_rate(body: Any) -> bool:
    """True for a refusal because of too many requests, or too many tokens in a time."""
    return STATUSES.get(code_in(body).lower()) == 429


def is_about_credit(body: Any) -> bool:
    """True for a refusal because the account has no credit left, whatever its status: Anthropic
    answers 400, OpenAI 429.
    """
    told = {code_in(body).lower(), text_in(body, "type").lower()}
    return bool(told & CREDIT_CODES) or CREDIT_WORDS.search(reason_in(body)) is not None


def is_about_key(body: Any) -> bool:
    """True for a refusal because the key is not one, has ended or was taken back."""
    told = (code_in(body), text_in(body, "type"))
    return any(STATUSES.get(one.lower()) == 401 for one in told)


def is_about_prompt(body: Any) -> bool:
    """True for a 403 because of what the prompt says, which is no fault of the key."""
    metadata = _metadata(body)
    if metadata.get("reasons") or "flagged_input" in metadata:
        return True
    words = (code_in(body), text_in(body, "type"), reason_in(body))
    return any(POLICY.search(one) for one in words) and not ACCOUNT.search(words[-1])


def is_about_place(body: Any) -> bool:
    """True for a 403 because of the country or region that the request came from."""
    return any(PLACE.search(one) for one in (code_in(body), reason_in(body)))


def _inner(body: Any) -> Any:
    if isinstance(body, list):
        body = next((one for one in body if isinstance(one, Mapping)), None)
    return body.get("error") or body if isinstance(body, Mapping) else None


def _metadata(body: Any) -> Mapping[str, Any]:
    """What OpenRouter tells beside an error, empty without."""
    inner = _inner(body)
    found = inner.get("metadata") if isinstance(inner, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _behind(body: Any) -> Any:
    """The refusal of the service behind OpenRouter, None without one: `raw` is mostly a text."""
    raw = _metadata(body).get("raw")
    try:
        return parse_json(raw.encode(errors="replace")) if isinstance(raw, str) else raw
    except ValueError:
        return None


def _marks(value: Any, depth: int) -> Any:
    """Words, marks and numbers of a nested object, without long texts; None for anything else."""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value if CODE.fullmatch(value) else None
    if not isinstance(value, Mapping) or not depth:
        return None
    kept = {
        name: mark
        for name, one in list(value.items())[:50]
        if isinstance(name, str)
        and CODE.fullmatch(name)
        and (mark := _marks(one, depth - 1)) is not None
    }
    return kept or None
