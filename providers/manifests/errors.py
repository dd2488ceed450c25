"""The problems of a manifest, all at once, each with its place."""

import difflib
from collections.abc import Iterable

Problem = tuple[str, str]


class ManifestError(Exception):
    """A document is not a manifest.

    `problems`: (place, sentence) each, such as ("fields[2].kind", "Choose one of: ...").

    A place is empty when the problem is about the whole. `source`: what the document is called, if
    it has a name.
    """

    def __init__(self, problems: Iterable[Problem], source: str = "") -> None:
        self.problems = list(problems)
        self.source = source
        super().__init__(
            "\n".join(
                f"{place}: {message}" if place else message for place, message in self.problems
            )
        )


def nearest(name: str, known: Iterable[str]) -> str:
    """` Did you mean x?`, with a blank before it; empty when nothing known is near."""
    found = difflib.get_close_matches(name, list(known), 1)
    return f" Did you mean {found[0]}?" if found else ""
