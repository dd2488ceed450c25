"""The errors of pydantic in words of people."""

from typing import Annotated, Literal

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from providers.core.wording import plain_sentence


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (Annotated[float, Field(le=2)], 7, "Warmth must be at most 2."),
        (Annotated[float, Field(gt=0, le=3600)], 9999.0, "Warmth must be at most 3600."),
        (Annotated[int, Field(ge=1)], 0, "Warmth must be at least 1."),
        (Annotated[int, Field(le=10_000_000)], 10**8, "Warmth must be at most 10,000,000."),
        (int, "one", "Warmth must be a whole number."),
        (float, "warm", "Warmth must be a number."),
        (bool, "perhaps", "Warmth must be yes or no: true or false."),
        (Annotated[str, Field(max_length=3)], "abcd", "Warmth must have at most 3 characters."),
        (Annotated[list[int], Field(max_length=1)], [1, 2], "Warmth must have at most one entry."),
        (Literal["a", "b"], "c", "Choose one of: 'a', 'b'."),
    ],
)
def test_an_error_says_what_fits(kind, value, said):
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    assert plain_sentence(caught.value.errors()[0], "Warmth") == said
