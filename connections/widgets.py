"""Inputs that Django does not bring: a secret that is never rendered, a choice that may also be a
reference, a choice of some or all, a choice in an order, a free map. None of them needs JavaScript.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms

from .credentials import seal, unseal
from .references import is_reference


class SecretInput(forms.TextInput):
    """Renders a reference, never a secret.

    What was typed but could not be saved yet goes back into the page sealed (`<name>-sealed`), so
    that it need not be typed again and still stands nowhere in clear. `purpose` binds the seal to
    one person and form. With `list` among `attrs`, the id of a list of references, there is a
    second input for one of those (`<name>-reference`); what is typed into the first wins.
    """

    template_name = "widgets/secret.html"

    def __init__(self, purpose: str, stored: str = "", attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.purpose, self.stored = purpose, stored
        self.is_open = False  # also over a value that is stored

    def value_from_datadict(self, data: Mapping[str, Any], _files: Any, name: str) -> str:
        value = data.get(name, "") or str(data.get(f"{name}-reference", "")).strip()
        if not value and data.get(f"{name}-sealed") and not data.get(f"{name}-clear"):
            return unseal(data[f"{name}-sealed"], self.purpose)
        return str(value)

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        visible = is_reference(value)
        context = super().get_context(name, value if visible else None, attrs)
        context["widget"] |= {
            "type": "text" if visible else "password",
            "sealed": seal(str(value), self.purpose)
            if value and not visible and value != self.stored
            else "",
            "stored": self.stored,
            "is_open": self.is_open
            or bool(value and value != self.stored)
            or "aria-invalid" in (attrs or {}),
        }
        if not visible:  # an input of secrets takes no list, so the reference has one of its own
            context["widget"]["references"] = context["widget"]["attrs"].pop("list", "")
        return context


class ChoiceOrReference(forms.RadioSelect):
    """Radio buttons, and one more for a reference that is typed beside it.

    `number`: which choice field of the form it is.
    """

    template_name = "widgets/choice.html"
    OTHER = "$"

    def __init__(self, number: int, choices: Any) -> None:
        super().__init__(choices=choices)
        self.number = number

    def value_from_datadict(self, data: Mapping[str, Any], _files: Any, name: str) -> str:
        value = str(data.get(name, ""))
        return str(data.get(f"{name}-reference", "")).strip() if value == self.OTHER else value

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["reference"] = value if is_reference(value) else ""
        context["widget"] |= {"other": self.OTHER, "number": self.number}
        return context


class SomeOrAll(forms.CheckboxSelectMultiple):
    """Two radio buttons, for everything and for only what is ticked below.

    Gives None or the list of what is ticked.
    """

    template_name = "widgets/some_or_all.html"
    SOME = "some"

    def __init__(self, everything: str, choices: Any) -> None:
        super().__init__(choices=choices)
        self.everything = everything

    def value_from_datadict(self, data: Any, _files: Any, name: str) -> list[str] | None:
        return data.getlist(f"{name}-{self.SOME}") if data.get(name) == self.SOME else None

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"] |= {
            "everything": self.everything,
            "some": self.SOME,
            "is_some": value is not None,
        }
        return context


class InOrder(forms.Widget):
    """Several inputs of one name, one more than there are values.

    Gives the list of what is chosen, first things first.

    They are lists to choose from; with `typed` they are texts, and the choices are suggestions.
    """

    template_name = "widgets/in_order.html"
    use_fieldset = True

    def __init__(
        self, label: str, choices: Sequence[tuple[str, str]], most: int, typed: bool = False
    ) -> None:
        super().__init__()
        self.label, self.choices, self.most, self.typed = label, choices, most, typed
        self.moved: tuple[int, str] = (-1, "")  # the place that one was moved to, and up or down

    def value_from_datadict(self, data: Any, _files: Any, name: str) -> list[str]:
        return [value for value in data.getlist(name) if value.strip()]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        chosen = list(value or ())
        empty = max(1, 3 - len(chosen)) if len(chosen) < self.most else 0
        context = super().get_context(name, value, attrs)
        context["widget"] |= {
            "slots": chosen + [""] * empty,
            "label": self.label,
            "choices": self.choices,
            "typed": self.typed,
            "moved": self.moved[0],
            "focus": self._way_on(len(chosen)),
        }
        return context

    def _way_on(self, number: int) -> str:
        """The button to go on with: the same again, the other one at the end of the way."""
        place, way = self.moved
        return {0: "down", number - 1: "up"}.get(place, way)

    def id_for_label(self, _id: str, _index: str = "0") -> str:
        return ""  # the label is the legend of all of them


@dataclass(frozen=True)
class MapRow:
    """One row of a map's input: what stands in it, and whether its Remove box is ticked."""

    key: str = ""
    value: str = field(default="", repr=False)
    removed: bool = False

    @property
    def is_empty(self) -> bool:
        """True if nothing was entered."""
        return not self.key and not self.value


class MapInput(forms.Widget):
    """Rows of key and value, named `<name>-<number>-key` and so on, and a button for one more,
    which posts the form as `add-row`.

    Gives a list of MapRow. `stored`: what is shown for each stored entry. A secret map (`purpose`
    is given) renders no secret and seals what was typed, as SecretInput does; the keys of its
    stored entries are fixed, because a key cannot change without its value. `references`: the id of
    the list of those that a value may be.
    """

    template_name = "widgets/map.html"
    use_fieldset = True

    def __init__(
        self, label: str, stored: Mapping[str, str], purpose: str = "", references: str = ""
    ) -> None:
        super().__init__()
        self.label, self.stored, self.purpose = label, stored, purpose
        self.references = references
        self.wrong: set[str] = set()  # the keys whose entries were refused
        self.begins_in_last = False  # whether the last row is the one to go on with

    def value_from_datadict(self, data: Mapping[str, Any], _files: Any, name: str) -> list[MapRow]:
        pattern = re.compile(rf"{re.escape(name)}-(\d{{1,4}})-(?:key|value)")
        numbers = sorted({int(found[1]) for one in data if (found := pattern.fullmatch(one))})
        return [self._posted_row(data, f"{name}-{number}") for number in numbers]

    def _posted_row(self, data: Mapping[str, Any], name: str) -> MapRow:
        value = str(data.get(f"{name}-value", "")).replace(
            "\r\n", "\n"
        )  # a textarea's line breaks (HTML, form submission)
        value = value or str(data.get(f"{name}-reference", "")).strip()
        sealed = data.get(f"{name}-sealed")
        if self.purpose and sealed and not value:
            value = unseal(sealed, self.purpose)
        return MapRow(str(data.get(f"{name}-key", "")).strip(), value, f"{name}-remove" in data)

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        rows = [row for row in value or () if row.key in self.stored or not row.removed]
        shown = [
            self._row_context(row, f"{name}-{number}")
            for number, row in enumerate(rows or [MapRow()])
        ]
        context["widget"] |= {"rows": shown, "label": self.label, "is_secret": bool(self.purpose)}
        context["widget"] |= {
            "begins_in_last": self.begins_in_last,
            "references": self.references,
        }
        return context

    def _row_context(self, row: MapRow, name: str) -> dict[str, Any]:
        mask = self.stored.get(row.key, "")
        visible = not self.purpose or is_reference(row.value)
        return {
            "name": name,
            "key": row.key,
            "value": row.value if visible else "",
            "type": "text" if visible else "password",
            "is_long": visible and "\n" in row.value,
            "sealed": seal(row.value, self.purpose)
            if row.value and not visible and row.value != mask
            else "",
            "stored": mask if self.purpose and not is_reference(mask) else "",
            "is_fixed": bool(self.purpose) and row.key in self.stored,
            "removed": row.removed,
            "wrong": row.key in self.wrong,
        }

    def id_for_label(self, _id: str, _index: str = "0") -> str:
        return ""  # the label is the legend of all of them
