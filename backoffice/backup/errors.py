"""The errors of backups, in sentences for whoever runs a command."""


class BackupError(Exception):
    """A backup that cannot be made, read or restored. The message says the cause and the cure.

    `code` is stable: cannot_write, cannot_read, damaged, newer, other_keys, wrong_passphrase,
    weak_passphrase, no_keys, not_empty, behind, busy, unfit.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
