"""A host of an installed type in which a setting names the customer is approved for that customer,
no longer for all. What connections do today stays allowed.
"""

from django.db import migrations
from django.utils import timezone

from connections.destinations import PART, host_of, section_of


def _today(row, template):
    """The hosts that the template stands for in a connection; empty where a setting is missing."""
    values = {name: row.settings.get(name) for name in PART.findall(template)}
    if not all(isinstance(one, str) and one for one in values.values()):
        return []
    if references := [one for one in values.values() if one.startswith("$")]:
        return references
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value)
    address, comma, mark = template.partition(",")
    return [f"{host_of(address)}{comma}{mark}"]


def approve(apps, _schema_editor):
    """Approves the customers of today wherever the host was approved for all of them."""
    Approval, now = apps.get_model("connections", "HostApproval"), timezone.now()
    templates = Approval.objects.filter(state="approved", host__contains="{")
    approved = [*templates.values_list("section", "host")]
    for row in apps.get_model("connections", "Connection").objects.order_by("pk").iterator(500):
        sections = {section_of(one) for one in row.settings.values() if isinstance(one, str)}
        Approval.objects.bulk_create(
            [
                Approval(
                    section=section, host=host, state="approved", connection=row, date_decided=now
                )
                for section, template in approved
                if section in sections
                for host in _today(row, template)
            ],
            ignore_conflicts=True,
        )


class Migration(migrations.Migration):
    dependencies = [("connections", "0013_no_constraints_on_old_tables")]

    operations = [migrations.RunPython(approve, migrations.RunPython.noop)]
