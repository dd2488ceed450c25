"""What was done, by whom: events in chains, and the signed checkpoint of each day."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy


class Outcome(models.TextChoices):
    """What became of an act."""

    DONE = "done", gettext_lazy("done")
    REFUSED = "refused", gettext_lazy("refused")
    FAILED = "failed", gettext_lazy("failed")


class AuditEvent(models.Model):
    """One act: who did what, on what, from where, and what became of it. It is never changed.

    No secret is in here. Ids and names are texts of their own, as they were then: what they name
    may be gone. `chain`, `number`: its place; `digest`: of this event and the one before it.
    `body`: a JSON document as text, since it is hashed as it is: `changes` (field, before, after),
    `detail` (by name) and `others` (kind, id and name of further objects).
    """

    is_on_replica = True

    chain = models.UUIDField(editable=False)
    number = models.PositiveIntegerField(editable=False)
    at = models.DateTimeField(editable=False)
    instance = models.CharField(max_length=64, blank=True)
    surface = models.CharField(max_length=12)
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_name = models.CharField(max_length=200, blank=True)
    token_kind = models.CharField(max_length=20, blank=True)
    token_id = models.CharField(max_length=64, blank=True)
    token_name = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    action = models.CharField(max_length=64)
    object_kind = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    object_name = models.CharField(max_length=255, blank=True)
    team_id = models.CharField(max_length=36, blank=True)
    team_name = models.CharField(max_length=255, blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    code = models.CharField(max_length=200, blank=True)
    body = models.TextField(blank=True)
    digest = models.CharField(max_length=64)

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["chain", "number"], name="audit_place_in_chain"),
        ]
        indexes = [
            models.Index(fields=["at", "id"], name="audit_at"),
            models.Index(fields=["actor_id", "at", "id"], name="audit_actor"),
            models.Index(fields=["actor_kind", "at", "id"], name="audit_by"),
            models.Index(fields=["token_id", "at", "id"], name="audit_token"),
            models.Index(fields=["action", "at", "id"], name="audit_action"),
            models.Index(fields=["object_id", "object_kind", "at", "id"], name="audit_object"),
            models.Index(fields=["outcome", "at", "id"], name="audit_outcome"),
            models.Index(fields=["address", "at", "id"], name="audit_address"),
            models.Index(fields=["team_id", "at", "id"], name="audit_team"),
            models.Index(fields=["request_id"], name="audit_request"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_name} {self.outcome}"


class AuditMention(models.Model):
    """A further object of an event, so that it is found there too. The event says the same."""

    is_on_replica = True

    event = models.ForeignKey(AuditEvent, models.CASCADE, related_name="mentions")
    kind = models.CharField(max_length=40)
    object_id = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["object_id", "kind", "event"], name="audit_mention")]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"


class AuditChain(models.Model):
    """The head of one chain of events: one of the chains of a day on an instance.

    Whoever writes an event holds a chain that nobody else holds until the transaction ends, so that
    no two writers wait for each other. `length`, `digest`: as of its last event. `follows`: the
    digest of the checkpoint that was the last when it began, empty for none. `seal`: of this head,
    by the key `key`, which is not in the database.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    day = models.DateField()
    instance = models.CharField(max_length=64)
    length = models.PositiveIntegerField(default=0)
    follows = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)
    key = models.CharField(max_length=12, blank=True)
    seal = models.CharField(max_length=64, blank=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["day", "instance"], name="audit_chain_of_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.instance} {self.length}"


class AuditCheckpoint(models.Model):
    """The signed state of all chains of one day, which follows the checkpoint before it.

    `body`: a JSON document as text: the day, the digest of the checkpoint before, and each chain
    with its length and last digest. `signature`: of it, by Ed25519, with the key whose public part
    is `public_key`. `pruned_at`, `pruning`, `pruning_signature`: when the events of the day were
    deleted for their age, a document that says so, and its signature.
    """

    day = models.DateField(unique=True)
    made_at = models.DateTimeField()
    body = models.TextField()
    digest = models.CharField(max_length=64)
    public_key = models.CharField(max_length=64)
    signature = models.CharField(max_length=128)
    pruned_at = models.DateTimeField(null=True)
    pruning = models.TextField(blank=True)
    pruning_signature = models.CharField(max_length=128, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ["day"]

    def __str__(self) -> str:
        return str(self.day)


class AuditStream(models.Model):
    """How far events were sent to a target of AUDIT_STREAM, and how that goes.

    `since`: the day of the first chains that are followed. `places`: of each chain, by its id, the
    number of the last event that arrived; events of a chain become visible in the order of their
    numbers, whenever their transactions end, which is not true of ids. `lease`: of the process that
    sends now, until `lease_until`. `retry_at`: before that it is not asked again.
    """

    name = models.CharField(max_length=200, primary_key=True)
    since = models.DateField()
    places = models.JSONField(default=dict)
    lease = models.CharField(max_length=36, blank=True)
    lease_until = models.DateTimeField(null=True)
    sent = models.BigIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
