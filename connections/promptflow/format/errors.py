"""The exception for a file that cannot be taken."""

from collections.abc import Sequence

Path = tuple[str, ...]  # ("api_key",), ("secrets", "k"); () is the file itself


class Refused(Exception):
    """A file, or what was typed in its place, cannot be taken.

    `problems`: (path, sentence); no sentence holds a secret.
    """

    def __init__(self, problems: Sequence[tuple[Path, str]]) -> None:
        self.problems = list(problems)
        super().__init__(
            " ".join(f"{'.'.join(path)}: {text}" if path else text for path, text in self.problems)
        )
