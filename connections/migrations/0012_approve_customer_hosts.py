"""Hosts that name a customer (acme.zendesk.com) need an approval from now on. What connections do
today stays allowed.
"""

from django.db import migrations
from django.utils import timezone

from connections.destinations import customer_hosts, destinations, unchecked_mark
from connections.kept import settings_alone
from providers.core.registry import UnknownProvider, get_provider


def _wanted(row):
    try:
        provider = get_provider(row.provider_id)
    except UnknownProvider:
        return set()
    stored = settings_alone(row.settings)
    end = unchecked_mark(stored)
    named = {f"{host}{end}" for host in customer_hosts(provider, stored)}
    return {one for one in destinations(provider, stored, None) if one.host in named}


def approve(apps, _schema_editor):
    """Approves the hosts of today for the sections of today."""
    Approval, now = apps.get_model("connections", "HostApproval"), timezone.now()
    for row in apps.get_model("connections", "Connection").objects.order_by("pk").iterator(500):
        Approval.objects.bulk_create(
            [
                Approval(
                    section=one.section,
                    host=one.host,
                    state="approved",
                    connection=row,
                    date_decided=now,
                )
                for one in sorted(_wanted(row))
            ],
            ignore_conflicts=True,
        )


class Migration(migrations.Migration):
    dependencies = [("connections", "0011_settings_versions")]

    operations = [migrations.RunPython(approve, migrations.RunPython.noop)]
