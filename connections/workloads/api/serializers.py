"""Trusted issuers and their rules as the API reads and writes them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from connections.api.camelcase import StrictBooleanField, StrictCharField
from connections.api.fields import WORD_SCHEMA, CamelCaseSerializer, IdOrAliasField
from connections.api.sentences import OneOfField
from connections.api.tokens import TokenWordField, WholeField
from connections.services import Scope
from connections.workloads import services


@extend_schema_field(WORD_SCHEMA | {"maxLength": 500})
class TextField(StrictCharField):
    """An address, an audience, or the text of a claim; the services judge it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=500, **kwargs)


class AddressField(StrictCharField):
    """An address, or nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=500, allow_blank=True, **kwargs)


class ConditionsField(serializers.DictField):
    """Claim -> text."""

    child = TextField()


class TrustedIssuerPatchSerializer(CamelCaseSerializer):
    """What is to change of a trusted issuer."""

    name = TokenWordField(required=False)
    issuer = TextField(required=False, help_text="The `iss` of its tokens, letter by letter.")
    audiences = serializers.ListField(
        child=TextField(),
        required=False,
        max_length=20,
        min_length=1,
        help_text="A token must be for one of them.",
    )
    algorithms = serializers.ListField(
        child=OneOfField(services.ALGORITHMS),
        required=False,
        max_length=3,
        min_length=1,
        help_text="Left out: all.",
    )
    jwks_url = AddressField(
        required=False, help_text="Where its keys are. Empty: its discovery document says so."
    )
    longest_age = WholeField(
        help_text="Minutes after `iat` for which a token counts. Left out: 1440."
    )
    is_active = StrictBooleanField(required=False)


class TrustedIssuerCreateSerializer(TrustedIssuerPatchSerializer):
    """A new trusted issuer."""

    name = TokenWordField(help_text="Small letters and digits, with hyphens between them.")
    issuer = TextField(help_text="The `iss` of its tokens, letter by letter.")
    audiences = serializers.ListField(
        child=TextField(), max_length=20, min_length=1, help_text="A token must be for one of them."
    )


class TrustedIssuerSerializer(CamelCaseSerializer):
    """Somebody who signs tokens for workloads."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    issuer = serializers.CharField()
    audiences = serializers.ListField(child=serializers.CharField())
    algorithms = serializers.ListField(child=serializers.CharField())
    jwks_url = serializers.CharField()
    longest_age = serializers.IntegerField()
    is_active = serializers.BooleanField(help_text="Off: its tokens are refused.")
    rule_count = serializers.IntegerField()
    key_ids = serializers.ListField(
        child=serializers.CharField(), help_text="Of the keys that are kept."
    )
    keys_fetched_at = serializers.DateTimeField(allow_null=True)
    keys_error = serializers.CharField(help_text="Why they could not be fetched last; else empty.")


class IssuerRulePatchSerializer(CamelCaseSerializer):
    """What is to change of a rule."""

    name = TokenWordField(required=False)
    conditions = ConditionsField(
        required=False, help_text="Claim -> text, in which `*` stands for any characters."
    )
    service_account = TokenWordField(required=False, help_text="Its name.")
    scopes = serializers.ListField(
        child=OneOfField([str(one) for one in Scope]),
        required=False,
        min_length=1,
        max_length=len(Scope),
    )
    profiles = serializers.ListField(
        child=IdOrAliasField(), required=False, max_length=1000, help_text="Empty: all."
    )
    requests_per_minute = WholeField(allow_null=True)
    tokens_per_day = WholeField(allow_null=True)
    position = WholeField(help_text="Of several that fit the lowest counts. Left out: the last.")
    is_active = StrictBooleanField(required=False)


class IssuerRuleCreateSerializer(IssuerRulePatchSerializer):
    """A new rule."""

    name = TokenWordField(help_text="Usage is booked on it.")
    conditions = ConditionsField(help_text="Claim -> text, in which `*` stands for any characters.")
    service_account = TokenWordField(help_text="Its name.")
    scopes = serializers.ListField(
        child=OneOfField([str(one) for one in Scope]),
        min_length=1,
        max_length=len(Scope),
    )


class IssuerRuleSerializer(CamelCaseSerializer):
    """What a token may do whose claims meet all conditions."""

    id = serializers.UUIDField(help_text="Stands in usage where a token's id stands.")
    name = serializers.CharField()
    conditions = serializers.DictField(child=serializers.CharField())
    service_account = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    is_limited = serializers.BooleanField(help_text="To `profiles`, of which none may be left.")
    profiles = serializers.ListField(child=serializers.CharField(), help_text="Their aliases.")
    requests_per_minute = serializers.IntegerField(allow_null=True)
    tokens_per_day = serializers.IntegerField(allow_null=True)
    position = serializers.IntegerField()
    is_active = serializers.BooleanField()
    last_used_at = serializers.DateTimeField(allow_null=True)


class TokenTrialRequestSerializer(CamelCaseSerializer):
    """A token to be tried. It is not stored."""

    token = StrictCharField(max_length=20_000)


class TrialStepSerializer(CamelCaseSerializer):
    """One check of a token."""

    name = serializers.ChoiceField(
        ["form", "issuer", "algorithm", "audience", "times", "signature", "rules"]
    )
    is_good = serializers.BooleanField()
    said = serializers.CharField()


class TrialConditionSerializer(CamelCaseSerializer):
    """One condition of a rule on a token."""

    claim = serializers.CharField()
    wanted = serializers.CharField()
    found = serializers.CharField(allow_null=True, help_text="Null: the token has no such claim.")
    is_met = serializers.BooleanField()


class TrialRuleSerializer(CamelCaseSerializer):
    """One rule on a token."""

    name = serializers.CharField()
    fits = serializers.BooleanField()
    refusal = serializers.CharField(help_text="Why it does not count whatever the claims are.")
    conditions = TrialConditionSerializer(many=True)


class TokenTrialSerializer(CamelCaseSerializer):
    """What became of a token that was tried."""

    is_taken = serializers.BooleanField()
    issuer = serializers.CharField(allow_null=True, help_text="The name of the trusted issuer.")
    rule = serializers.CharField(allow_null=True, help_text="The one that it is taken by.")
    ends_at = serializers.DateTimeField(allow_null=True, help_text="Until when it counts.")
    steps = TrialStepSerializer(many=True, help_text="Up to the first that it does not pass.")
    rules = TrialRuleSerializer(many=True, help_text="Judged once it is proven who signed it.")
