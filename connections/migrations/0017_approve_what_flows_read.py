"""What a reveal token hands out of references needs an approval from now on. What flows read today
stays allowed.
"""

from django.db import migrations
from django.utils import timezone

from connections.destinations import FLOWS, section_of
from connections.kept import settings_alone
from connections.references import references_in


def approve(apps, _schema_editor):
    """Approves the sections of today for the connections that a token reads today."""
    Approval, now = apps.get_model("connections", "HostApproval"), timezone.now()
    tokens = apps.get_model("connections", "RevealToken").objects
    tokens = tokens.filter(revoked_at=None, expires_at__gt=now)
    rows = apps.get_model("connections", "Connection").objects.order_by("pk")
    for row in rows.filter(pk__in=tokens.values("connections")).iterator(500):
        references = references_in(settings_alone(row.settings))
        sections = {section_of(reference) for _, _, reference in references} - {""}
        Approval.objects.bulk_create(
            [
                Approval(
                    section=section,
                    host=FLOWS.format(row.pk),
                    state="approved",
                    connection=row,
                    date_decided=now,
                )
                for section in sorted(sections)
            ],
            ignore_conflicts=True,
        )


class Migration(migrations.Migration):
    dependencies = [("connections", "0016_schedule")]

    operations = [migrations.RunPython(approve, migrations.RunPython.noop)]
