"""A directory of files as a source of references, as Docker and Kubernetes mount secrets."""

from pathlib import Path

from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy, gettext_noop

from .base import SourceError, read_value


class DirectorySource:
    """One file per key, as Docker and Kubernetes mount secrets: `OpenAI__ApiKey`, or with `:` for
    `__`.

    `setting`: what named the directory, for messages.
    """

    def __init__(
        self,
        directory: str,
        name: str = "the secrets directory",
        setting: str = "CONNECTIONS_SECRETS_DIR",
    ) -> None:
        self._directory, self.name, self._setting = Path(directory), name, setting

    def _files(self) -> dict[str, list[Path]]:
        """The files by their keys: one key may be spelled in several ways."""
        try:
            found: dict[str, list[Path]] = {}
            for path in sorted(self._directory.iterdir()):
                if path.is_file():
                    found.setdefault(path.name.replace(":", "__").lower(), []).append(path)
            return found
        except OSError as error:
            text = gettext_noop(
                "%(setting)s cannot be read (%(reason)s). Check the folder and its rights."
            )
            raise SourceError(text, setting=self._setting, reason=error.strerror) from error

    def lookup(self, key: tuple[str, ...]) -> str | None:
        paths = self._files().get("__".join(key).lower(), [])
        what = gettext_lazy("the file {name} in {setting}")
        values = {
            read_value(path, format_lazy(what, name=path.name, setting=self._setting))
            for path in paths
        }
        if len(values) > 1:
            text = gettext_noop(
                "%(setting)s has the files %(names)s, with different contents. Take one out."
            )
            both = gettext(" and ").join(path.name for path in paths)
            raise SourceError(text, setting=self._setting, names=both)
        return next(iter(values), None)

    def names(self) -> list[tuple[str, ...]]:
        """The files that have a section, as they are spelled."""
        paths = [one[0] for one in self._files().values()]
        return [tuple(one.name.replace(":", "__").split("__")) for one in paths]

    def holds(self, section: str) -> bool:
        return any("__" in name and name.split("__")[0] == section for name in self._files())
