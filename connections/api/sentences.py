"""What Django REST framework says of a field, in sentences of ours: what is wrong, then the cure.

They take the place of the framework's own, in each of its fields. None repeats what was sent,
which may be a secret in the wrong place.
"""

from typing import Any

from rest_framework import serializers
from rest_framework.validators import ProhibitSurrogateCharactersValidator

NULL_CHARACTER = "This holds a null character, which cannot be stored. Take it out."
NOT_AN_OBJECT = "This is not an object. Send one."
NOT_AN_ID = "This is not an id. Send one that an answer gave."
NOT_A_LIST = "This is not a list. Send one."
OF_NUMBERS = {
    "max_value": "This is too large. Send {max_value} at most.",
    "min_value": "This is too small. Send {min_value} at least.",
    "max_string_length": "This has too many digits. Send a smaller number.",
    "overflow": "This has too many digits. Send a smaller number.",
}
OF_TEXTS = {
    "invalid": "This is not a text. Send one, in quotes.",
    "blank": "This is empty. Send a text.",
    "max_length": "This is too long. Send {max_length} characters at most.",
    "min_length": "This is too short. Send {min_length} characters at least.",
    "null_character": NULL_CHARACTER,
}
OF_LISTS = {
    "not_a_list": NOT_A_LIST,
    "empty": "This list is empty. Send one entry at least.",
    "min_length": "This list is too short. Its least length is {min_length}.",
    "max_length": "This list is too long. Its greatest length is {max_length}.",
}
A_TIME = "2026-12-31T23:59:00Z"
SENTENCES: dict[Any, dict[str, str]] = {
    serializers.Field: {
        "required": "This is missing. Send it.",
        "null": "This is null. Send a value.",
    },
    serializers.BooleanField: {"invalid": "This is neither true nor false. Send one of them."},
    serializers.CharField: OF_TEXTS,
    serializers.ChoiceField: {
        "invalid_choice": "This is none of the words that there are. The API's document has them."
    },
    serializers.UUIDField: {"invalid": NOT_AN_ID},
    serializers.IntegerField: {"invalid": "This is not a whole number. Send one."} | OF_NUMBERS,
    serializers.FloatField: {"invalid": "This is not a number. Send one."} | OF_NUMBERS,
    serializers.DateTimeField: {
        "invalid": f"This is not a time. Write it like {A_TIME}.",
        "date": f"This is a date without a time. Write it like {A_TIME}.",
        "make_aware": "There is no such time in its zone. Send it with an offset.",
        "overflow": "This time is out of range. Send another.",
    },
    serializers.DateField: {
        "invalid": "This is not a date. Write it like 2026-12-31.",
        "datetime": "This is a time. Send its date alone, like 2026-12-31.",
    },
    serializers.TimeField: {"invalid": "This is not a time of day. Write it like 22:30."},
    serializers.FileField: {
        "required": "The file is missing. Send it as a part of the form.",
        "invalid": "This is not a file. Send it as a part of the form, with a file name.",
        "no_name": "The file has no name. Send it with one.",
        "empty": "The file is empty. Send another.",
        "max_length": "The file's name is too long. Send {max_length} characters at most.",
    },
    serializers.ListField: OF_LISTS,
    serializers.ListSerializer: OF_LISTS,
    serializers.DictField: {
        "not_a_dict": NOT_AN_OBJECT,
        "empty": "This object is empty. Send one entry at least.",
    },
    serializers.JSONField: {"invalid": "This is not JSON. Send a value of it."},
    serializers.Serializer: {"invalid": NOT_AN_OBJECT},
}


def say_ours() -> None:
    """Put our sentences in the place of the framework's."""
    for field, sentences in SENTENCES.items():
        field.default_error_messages = {**field.default_error_messages, **sentences}
    ProhibitSurrogateCharactersValidator.message = (
        "This holds half of a character. Send whole ones, in UTF-8."
    )


class OneOfField(serializers.ChoiceField):
    """One of several words, which its sentence names."""

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        super().__init__(choices, **kwargs)
        words = ", ".join(str(one) for one in self.choices)
        self.error_messages["invalid_choice"] = f"Send one of: {words}."


say_ours()
