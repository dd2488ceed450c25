"""The one door of workload identity: access tokens of trusted issuers in the place of our own."""

from .callers import TokenRefused, find_rule, find_workload
from .conditions import ConditionVerdict
from .issuers import change_issuer, create_issuer, delete_issuer, fetch_keys, trusted_issuers
from .jobs import declare_jobs
from .judging import Judgement, RuleVerdict, Step, judge
from .keys import kept_for, refresh_keys
from .reading import ALGORITHMS, is_signed_token
from .rules import change_rule, create_rule, delete_rule, rules_of
from .trial import try_token

__all__ = [
    "ALGORITHMS",
    "ConditionVerdict",
    "Judgement",
    "RuleVerdict",
    "Step",
    "TokenRefused",
    "change_issuer",
    "change_rule",
    "create_issuer",
    "create_rule",
    "declare_jobs",
    "delete_issuer",
    "delete_rule",
    "fetch_keys",
    "find_rule",
    "find_workload",
    "is_signed_token",
    "judge",
    "kept_for",
    "refresh_keys",
    "rules_of",
    "trusted_issuers",
    "try_token",
]
