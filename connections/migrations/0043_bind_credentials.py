"""Secrets are bound to the row, the provider and the settings that they are found with.

In parts, each for itself. What the version before stores meanwhile is taken unbound for a day, and
a job binds it; after that nobody can put an old document anywhere. What no key of FERNET_KEYS opens
now is not bound; when its key is back, `manage.py rotate_credentials --bind` does it.
"""

from datetime import timedelta

from django.conf import settings
from django.db import migrations, transaction
from django.utils import timezone

from connections.bindings import binding_of_connection, binding_of_token, bound, grace_until
from connections.credentials import SecretDict, key_ids

PART = 200


def _of_row(row):
    return binding_of_connection(row.id, row.provider_id, row.settings)


def bind(apps, _schema_editor):
    connections = apps.get_model("connections", "Connection").objects

    def of_replacement(row):
        columns = ("pk", "provider_id", "settings")
        found = connections.filter(pk=row.connection_id).values_list(*columns).first()
        return binding_of_connection(*found) if found else []

    tables = {
        "Connection": _of_row,
        "HistoricalConnection": _of_row,
        "KeyReplacement": of_replacement,
        "AccessToken": lambda row: binding_of_token(row.pk, row.key),
    }
    for name, binding_of in tables.items():
        rows = apps.get_model("connections", name).objects.order_by()
        keys = list(rows.filter(credentials__isnull=False).values_list("pk", flat=True))
        if keys:
            _begin_grace(apps)
        for at in range(0, len(keys), PART):
            _bind_part(rows, keys[at : at + PART], binding_of)


def _begin_grace(apps):
    if settings.FERNET_KEYS:
        note = {"text": grace_until(timezone.now() + timedelta(hours=24))}
        notes = apps.get_model("connections", "BindingNote").objects
        notes.get_or_create(pk="unbound-until", defaults=note)


def _bind_part(rows, keys, binding_of):
    with transaction.atomic():
        changed = []
        for row in rows.filter(pk__in=keys).select_for_update(no_key=True):
            found = row.credentials
            if isinstance(found, SecretDict) and not found.bound and (own := binding_of(row)):
                row.credentials = bound(found, own)
                row.credentials_key = key_ids()[0]
                changed.append(row)
        names = [one.name for one in rows.model._meta.concrete_fields]
        columns = [name for name in ("credentials", "credentials_key") if name in names]
        rows.bulk_update(changed, columns)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("connections", "0042_binding_notes")]

    operations = [migrations.RunPython(bind, migrations.RunPython.noop)]
