"""A directory of files as a source of references, as Docker and Kubernetes mount secrets."""

from pathlib import Path

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

    def _files(self) -> dict[str, Path]:
        try:
            return {
                path.name.replace(":", "__").lower(): path
                for path in self._directory.iterdir()
                if path.is_file()
            }
        except OSError as error:
            raise SourceError(
                f"{self._setting} cannot be read ({error.strerror}). Check the folder and its "
                "rights."
            ) from error

    def lookup(self, key: tuple[str, ...]) -> str | None:
        path = self._files().get("__".join(key).lower())
        if path is None:
            return None
        return read_value(path, f"the file {path.name} in {self._setting}")

    def holds(self, section: str) -> bool:
        return any("__" in name and name.split("__")[0] == section for name in self._files())
