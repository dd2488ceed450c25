"""The names of the conventions, read from the module that has them: none is written in a test."""

from connections.telemetry import genai

CONVENTIONS = {
    "operation": genai.OPERATION,
    "provider": genai.PROVIDER,
    "model": genai.REQUEST_MODEL,
    "answered": genai.RESPONSE_MODEL,
    "input": genai.INPUT_TOKENS,
    "output": genai.OUTPUT_TOKENS,
    "type": genai.TOKEN_TYPE,
    "tokens": genai.TOKENS,
    "duration": genai.OPERATION_DURATION,
    "usage": genai.TOKEN_USAGE,
    "first": genai.TIME_TO_FIRST_TOKEN,
}
