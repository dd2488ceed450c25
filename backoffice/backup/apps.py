"""The app of backups, for its commands."""

from django.apps import AppConfig


class BackupConfig(AppConfig):
    """Has no tables: a backup is a file."""

    name = "backoffice.backup"
    label = "backup"
