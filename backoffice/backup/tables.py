"""The tables of a backup and their columns, as the models say them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps as current_apps

from connections.credentials import CredentialsField

# Not in a backup, each for a reason. On a restore the first are emptied.
EMPTIED = {
    "account.EmailConfirmation": "a link that was sent would work again",
    "connections.PackageUpload": "it waits an hour for a decision",
    "connections.Task": "whoever started that work starts it again",
    "connections.TaskPart": "as Task",
    "connections.UndoStep": "what can be undone within minutes",
    "gateway.Cooldown": "seconds",
    "gateway.ModelCooldown": "seconds",
    "people.ProviderSession": "as Session",
    "sessions.Session": "one that was ended would go on: people sign in again",
    "socialaccount.SocialApp": "identity providers are settings; no row is ever made",
    "socialaccount.SocialToken": "tokens of identity providers are never stored there",
    "usersessions.UserSession": "as Session",
}
# These stay as they are where a backup is restored.
UNTOUCHED = {
    "connections.ChangeStamp": "a worker that has seen a number must never see it again",
    "connections.ScheduleLease": "of a process that runs; its clock is in the manifest",
}
AUDIT = (
    "connections.AuditEvent",
    "connections.AuditMention",
    "connections.AuditChain",
    "connections.AuditCheckpoint",
    "connections.AuditStream",
)
ENCRYPTED = "encrypted"
KINDS = {
    **dict.fromkeys(["AutoField", "BigAutoField", "SmallAutoField"], "int"),
    **dict.fromkeys(["IntegerField", "BigIntegerField", "SmallIntegerField"], "int"),
    **dict.fromkeys(["PositiveIntegerField", "PositiveBigIntegerField"], "int"),
    "PositiveSmallIntegerField": "int",
    **dict.fromkeys(["CharField", "TextField", "SlugField", "FileField"], "text"),
    "BinaryField": "bytes",
    "BooleanField": "bool",
    "DateField": "date",
    "DateTimeField": "datetime",
    "FloatField": "float",
    "GenericIPAddressField": "ip",
    "JSONField": "json",
    "TimeField": "time",
    "UUIDField": "uuid",
}


@dataclass(frozen=True)
class Table:
    """A table: the label of its model, and the name and the kind of each column. The kinds are the
    values of KINDS, and ENCRYPTED.
    """

    label: str
    name: str
    columns: tuple[tuple[str, str], ...]

    def of_kind(self, *kinds: str) -> list[int]:
        """The places of the columns of these kinds."""
        return [at for at, (_name, kind) in enumerate(self.columns) if kind in kinds]


def tables(apps: Any = current_apps) -> list[Table]:
    """Every table that has rows of ours, whoever is referred to before whoever refers.

    `apps`: the models as they are now, or as they were at a state of the migrations.
    """
    models = [
        one
        for one in apps.get_models(include_auto_created=True)
        if one._meta.managed and not one._meta.proxy
    ]
    return [
        Table(one._meta.label, one._meta.db_table, tuple(_columns(one)))
        for one in _in_order(sorted(models, key=lambda one: one._meta.label))
    ]


def kept(apps: Any = current_apps) -> list[Table]:
    """The tables that are in a backup."""
    return [one for one in tables(apps) if one.label not in EMPTIED and one.label not in UNTOUCHED]


def _columns(model: Any) -> Iterator[tuple[str, str]]:
    for field in model._meta.local_concrete_fields:
        target = field
        while target.remote_field:
            target = target.target_field
        is_encrypted = isinstance(target, CredentialsField)
        yield field.column, ENCRYPTED if is_encrypted else KINDS[target.get_internal_type()]


def _in_order(models: Iterable[Any]) -> Iterator[Any]:
    done: set[Any] = set()

    def visit(model: Any) -> Iterator[Any]:
        if model not in done:
            done.add(model)
            for field in model._meta.local_concrete_fields:
                if field.remote_field:
                    yield from visit(field.related_model)
            yield model

    for model in models:
        yield from visit(model)
