"""What checks learned of a connection that ends one day."""

from django.db import models

from .connections import Connection


class Outlook(models.Model):
    """The ends that the last checks of a connection told.

    `settings_version`: of the connection then; what is of older settings says nothing about the key
    and the models. `looked_at`: when a check last looked, within a day. `key_ends_at`: the end of
    the key, `key_end_source`: who says so. `certificates`: the end of the certificate of each host
    that was asked, in ISO 8601, `own_certificates`: of those in the settings; `certificate_ends_at`
    is the first of them all. `profile_models`: those of its profiles that were listed, each with
    the number of lists in a row that lack it (`missing`), since when (`since`), and its end
    (`ends`); `loses_models`: one of them is not listed any more, or has an end.
    """

    # No constraint in the database: the version before deletes connections without these rows.
    connection = models.OneToOneField(
        Connection,
        models.CASCADE,
        primary_key=True,
        related_name="outlook",
        db_constraint=False,
    )
    settings_version = models.PositiveIntegerField()
    looked_at = models.DateTimeField()
    key_ends_at = models.DateTimeField(null=True)
    key_end_source = models.CharField(max_length=200, blank=True)
    certificates = models.JSONField(default=dict)
    own_certificates = models.JSONField(default=dict)
    certificate_ends_at = models.DateTimeField(null=True)
    profile_models = models.JSONField(default=dict)
    loses_models = models.BooleanField(default=False)

    class Meta:
        # the list of faults reads the few rows that are near, out of all
        indexes = [
            models.Index(fields=["key_ends_at"], name="keys_by_end"),
            models.Index(fields=["certificate_ends_at"], name="certificates_by_end"),
            models.Index(
                fields=["connection"],
                condition=models.Q(loses_models=True),
                name="outlooks_that_lose_models",
            ),
        ]

    def __str__(self) -> str:
        return f"the outlook of {self.connection_id}"
