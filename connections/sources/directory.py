"""A directory of files as a source of references, as Docker and Kubernetes mount secrets."""

from pathlib import Path

from .base import SourceError, read_value


class DirectorySource:
    """One file per key, as Docker and Kubernetes mount secrets: `OpenAI__ApiKey`, or with `:` for
    `__`.
    """

    name = "the secrets directory"

    def __init__(self, directory: str) -> None:
        self._directory = Path(directory)

    def _files(self) -> dict[str, Path]:
        try:
            return {
                path.name.replace(":", "__").lower(): path
                for path in self._directory.iterdir()
                if path.is_file()
            }
        except OSError as error:
            raise SourceError(
                f"CONNECTIONS_SECRETS_DIR cannot be read ({error.strerror}). Check the folder and "
                "its rights."
            ) from error

    def lookup(self, key: tuple[str, ...]) -> str | None:
        path = self._files().get("__".join(key).lower())
        return (
            None
            if path is None
            else read_value(path, f"the file {path.name} in CONNECTIONS_SECRETS_DIR")
        )

    def sections(self) -> frozenset[str]:
        return frozenset(name.split("__")[0] for name in self._files() if "__" in name)
