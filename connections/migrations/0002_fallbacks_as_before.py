"""Profiles with fallbacks that move on "as usual" go on as before.

From now on that includes a connection that is switched off or lacks its key, which was never
bypassed: for these profiles somebody has to choose it.
"""

from django.db import migrations

BEFORE = ["unauthorized", "quota", "rate_limited", "timeout", "refused", "error"]


def keep(apps, _schema_editor):
    Profile = apps.get_model("connections", "Profile")
    steps = apps.get_model("connections", "Fallback").objects
    rows = Profile.objects.filter(pk__in=steps.values("profile"))
    for profile in rows.iterator():
        if profile.settings.get("fallback_on") is None:
            profile.settings["fallback_on"] = BEFORE
            profile.save(update_fields=["settings"])


class Migration(migrations.Migration):

    dependencies = [("connections", "0001_squashed")]

    operations = [migrations.RunPython(keep, migrations.RunPython.noop)]
