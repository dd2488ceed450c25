"""The rows of usage: records, attempts, totals, counts of limited tokens, cool-downs."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class UsageRecord(models.Model):
    """One request through the gateway, also one that was refused or failed.

    It has no foreign keys: a record outlives its profile, connection and token, and keeps their
    names as they were. The connection is the one that was asked last. The texts of prompt and
    answer are empty unless GATEWAY_RECORD_TEXT asks for them.
    """

    is_on_replica = True
    # null: written by a version that kept no attempts
    key = models.UUIDField(null=True, db_index=True)
    request_id = models.CharField(max_length=128, blank=True, db_default="", db_index=True)
    started_at = models.DateTimeField(db_index=True)
    endpoint = models.CharField(max_length=40)  # "v1", "api" or "playground"
    capability = models.CharField(max_length=50)
    # The profile that was asked for.
    profile_id = models.UUIDField(null=True)
    # The text that was asked for, where no profile has it; empty for a default that is not set.
    profile_alias = models.CharField(max_length=100)
    # The profile that answered: a fallback, the same, or none.
    answered_profile_id = models.UUIDField(null=True)
    answered_profile_alias = models.CharField(max_length=100, blank=True, db_default="")
    connection_id = models.UUIDField(null=True)
    connection_alias = models.CharField(max_length=100)
    connection_version = models.PositiveIntegerField(null=True)
    provider_id = models.CharField(max_length=100)
    model = models.CharField(max_length=255)
    user_id = models.BigIntegerField(null=True)
    user_name = models.CharField(max_length=150)
    token_id = models.UUIDField(null=True)
    token_name = models.CharField(max_length=100)
    is_stream = models.BooleanField(default=False)
    attempts = models.PositiveSmallIntegerField(default=1)  # targets that were asked
    # Tokens, null: the service did not say. What was cached is part of the input, reasoning part of
    # the output.
    input_tokens = models.PositiveBigIntegerField(null=True)
    output_tokens = models.PositiveBigIntegerField(null=True)
    cached_tokens = models.PositiveBigIntegerField(null=True)
    cache_write_tokens = models.PositiveBigIntegerField(null=True)
    reasoning_tokens = models.PositiveBigIntegerField(null=True)
    is_estimated = models.BooleanField(db_default=False)  # the tokens were counted here
    latency_ms = models.PositiveIntegerField()
    first_chunk_ms = models.PositiveIntegerField(null=True)  # of a stream that had one
    outcome = models.CharField(max_length=50)  # ok, client_closed, or the code of the error
    prompt = models.TextField(blank=True)
    answer = models.TextField(blank=True)

    class Meta:
        ordering = ["-started_at", "-id"]
        # Each costs each request; an index by profile cost the most, and totals answer for it.
        indexes = [models.Index(fields=["token_id", "started_at"])]

    def __str__(self) -> str:
        return f"{self.profile_alias} at {self.started_at:%Y-%m-%d %H:%M:%S}: {self.outcome}"


class AttemptOutcome(models.TextChoices):
    """How an attempt ended."""

    OK = "ok", _("Answered")
    FAILED = "failed", _("Failed")
    CLIENT_CLOSED = "client_closed", _("Caller hung up")
    SERVER_STOPPED = "server_stopped", _("Server stopped")
    PASSED_OVER = "passed_over", _("Passed over")


class UsageAttempt(models.Model):
    """One target of a request's route: asked, or passed over.

    `outcome`: ok, failed, client_closed, server_stopped or passed_over. `code`: of the failure, or
    why it was passed over. `status` and `error`: what the service answered, without secrets.
    """

    is_on_replica = True
    record_key = models.UUIDField(db_index=True)  # of its UsageRecord
    position = models.PositiveSmallIntegerField()  # 0 is the first that was considered
    started_at = models.DateTimeField()
    profile_id = models.UUIDField()
    profile_alias = models.CharField(max_length=100)
    connection_id = models.UUIDField()
    connection_alias = models.CharField(max_length=100)
    connection_version = models.PositiveIntegerField()
    provider_id = models.CharField(max_length=100)
    model = models.CharField(max_length=255)
    outcome = models.CharField(max_length=20, choices=AttemptOutcome)
    code = models.CharField(max_length=50, blank=True)
    status = models.PositiveIntegerField(null=True)
    error = models.CharField(max_length=500, blank=True)
    latency_ms = models.PositiveIntegerField()
    first_chunk_ms = models.PositiveIntegerField(null=True)
    retries = models.PositiveSmallIntegerField(default=0)
    is_cooling = models.BooleanField(default=False)  # its connection was in a cool-down

    class Meta:
        ordering = ["record_key", "position"]

    def __str__(self) -> str:
        return f"{self.connection_alias} at {self.started_at:%Y-%m-%d %H:%M:%S}: {self.outcome}"


class UsageTotal(models.Model):
    """The requests that began in a quarter of an hour, an hour or a day (UTC), that have one value
    of one dimension, and that ended alike: gateway/usage/counting.py says which dimensions.

    `name` and `key`: the value, and its id where it has one. `kind`: ok, client_closed or failed.
    Latencies and times to the first chunk are sketches, see gateway/usage/sketches.py.
    """

    is_on_replica = True
    dimension = models.CharField(max_length=30)
    minutes = models.PositiveSmallIntegerField()  # 15, 60 or 1440
    start = models.DateTimeField()
    name = models.CharField(max_length=255, blank=True)
    key = models.CharField(max_length=36, blank=True)
    user_name = models.CharField(max_length=150, blank=True)  # of callers
    user_key = models.CharField(max_length=36, blank=True)
    kind = models.CharField(max_length=20)
    is_several = models.BooleanField()  # more than one target was asked
    is_fallback = models.BooleanField()  # a fallback answered
    requests = models.BigIntegerField()
    attempts = models.BigIntegerField()
    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    latency_ms = models.BigIntegerField()  # of all requests together
    latencies = models.TextField(blank=True)
    first_chunks = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    *("dimension", "minutes", "start", "name", "key", "user_name", "user_key"),
                    *("kind", "is_several", "is_fallback"),
                ],
                name="one_total_of_a_value",
            )
        ]

    def __str__(self) -> str:
        return f"{self.requests} of {self.dimension} {self.name} at {self.start:%Y-%m-%d %H:%M}"


class UsageRoute(models.Model):
    """A way that requests took: the profile that was asked for, what was asked in turn, what
    answered, and how it ended. A total of the dimension `route` has its id as key
    (gateway/usage/routes.py).

    The columns are named as those of UsageRecord. Token and user are told where no profile was
    asked for: then it is by them who may see it.
    """

    is_on_replica = True
    id = models.CharField(primary_key=True, max_length=36)  # a digest of all else
    profile_id = models.UUIDField(null=True)
    profile_alias = models.CharField(max_length=100)
    answered_profile_id = models.UUIDField(null=True)
    connection_id = models.UUIDField(null=True)
    connection_alias = models.CharField(max_length=100)
    provider_id = models.CharField(max_length=100)
    model = models.CharField(max_length=255)
    outcome = models.CharField(max_length=50)
    attempts = models.PositiveSmallIntegerField()
    token_id = models.UUIDField(null=True)
    token_name = models.CharField(max_length=100)
    user_id = models.BigIntegerField(null=True)
    user_name = models.CharField(max_length=150)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.profile_alias} by {self.connection_alias}: {self.outcome}"


class UsageRouteAttempt(models.Model):
    """A target of a route: asked, or passed over. Its columns are named as UsageAttempt's."""

    is_on_replica = True
    route_id = models.CharField(max_length=36)
    position = models.PositiveSmallIntegerField()
    profile_id = models.UUIDField()
    connection_id = models.UUIDField()
    connection_alias = models.CharField(max_length=100)
    provider_id = models.CharField(max_length=100)
    model = models.CharField(max_length=255)
    outcome = models.CharField(max_length=20)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["route_id", "position"], name="one_attempt_at_a_place_of_a_route"
            )
        ]

    def __str__(self) -> str:
        return f"{self.position} of {self.route_id}: {self.outcome}"


class CountedUsage(models.Model):
    """How far usage records are in the totals. Records with a greater id are not yet.

    Row 1: in those that recorders count; row 3: in those of routes and of callers of one value;
    row 2: in what the version before counted instead of these, by profile and connection.
    """

    is_on_replica = True
    records_to = models.BigIntegerField(default=0)
    counted_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"up to {self.records_to}"


class TokenCount(models.Model):
    """The count of a limited token in one window: its requests in a minute, or its tokens in a day
    (UTC). `reserved`: those of the count that calls which run may still give back.
    """

    token_id = models.UUIDField()
    window = models.CharField(max_length=20)  # "2026-11-20" or "2026-11-20T16:05"
    count = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(db_default=0)
    reserved_at = models.BigIntegerField(db_default=0)  # seconds since 1970, of the last of them

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token_id", "window"], name="one_count_a_window")
        ]

    def __str__(self) -> str:
        return f"{self.count} in {self.window}"


class Cooldown(models.Model):
    """The time until which profiles with a fallback ask a connection that failed last: a refused
    key, or a host that cannot be reached, is a matter of all its models.
    """

    connection_id = models.UUIDField(primary_key=True)
    until = models.DateTimeField()
    code = models.CharField(max_length=50)

    def __str__(self) -> str:
        return f"until {self.until:%H:%M:%S} for {self.code}"


class ModelCooldown(models.Model):
    """As Cooldown, for one model of a connection: limits of services are limits of a model.

    A table of its own, because versions that do not know it keep one row for each connection.
    """

    connection_id = models.UUIDField()
    model = models.CharField(max_length=255)
    until = models.DateTimeField()
    code = models.CharField(max_length=50)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection_id", "model"], name="one_cooldown_of_a_model"
            )
        ]

    def __str__(self) -> str:
        return f"{self.model} until {self.until:%H:%M:%S} for {self.code}"
