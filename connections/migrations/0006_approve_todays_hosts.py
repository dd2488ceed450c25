"""What connections do today stays allowed: every section that a connection names may go to the
hosts that the connection, or its installed type, names. Administrators may approve hosts.

It asks no provider, so it may approve more than a connection uses, and never another connection's
host.
"""

import re

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.utils import timezone

from connections.destinations import host_of, section_of, unchecked_mark

PART = 500
ORIGIN = re.compile(r"https?://[^/\s\"'\\]+")


def _texts(settings):
    for value in settings.values():
        for one in value.values() if isinstance(value, dict) else [value]:
            if isinstance(one, str):
                yield one


def _pairs(row, documents):
    literals = row.credentials if isinstance(row.credentials, dict) else {}
    texts = [*_texts(row.settings)]
    sections = {section_of(text) for text in texts if text.startswith("$")} - {""}
    end = unchecked_mark(row.settings)
    hosts = {host_of(text) for text in texts if re.match(r"\$[^$]", text)}
    hosts |= {f"{host_of(text)}{end}" for text in [*texts, *_texts(literals)] if "://" in text}
    hosts |= {f"{host.lower()}{end}" for host in ORIGIN.findall(documents.get(row.provider_id, ""))}
    return {
        (section, host)
        for section in sections
        for host in hosts
        if host and not (host.startswith("$") and section_of(host) == section)
    }


def approve(apps, _schema_editor):
    Approval, now = apps.get_model("connections", "HostApproval"), timezone.now()
    types = apps.get_model("connections", "ConnectionType")
    documents = dict(types.objects.values_list("key", "document"))
    rows = apps.get_model("connections", "Connection").objects.order_by("pk")
    for row in rows.iterator(PART):
        Approval.objects.bulk_create(
            [
                Approval(
                    section=section, host=host, state="approved", connection=row, date_decided=now
                )
                for section, host in sorted(_pairs(row, documents))
            ],
            ignore_conflicts=True,
        )


def let_administrators(apps, _schema_editor):
    create_permissions(installed.get_app_config("connections"), apps=apps, verbosity=0)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for group in Group.objects.filter(name="Administrators"):
        group.permissions.add(
            Permission.objects.get(
                content_type__app_label="connections", codename="approve_host"
            )
        )


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0005_host_approvals"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.RunPython(approve, migrations.RunPython.noop),
        migrations.RunPython(let_administrators, migrations.RunPython.noop),
    ]
