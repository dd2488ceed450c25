"""The rows. Columns and constraints; the rules are in services."""

from .audit import (
    AuditChain,
    AuditCheckpoint,
    AuditEvent,
    AuditMention,
    AuditStream,
    Outcome,
)
from .base import (
    ALIAS_PATTERN,
    ALIAS_RULE,
    RESERVED_ALIASES,
    ByCodePoint,
    VersionedModel,
    by_name,
    has_name_key,
)
from .bound import GRACE, BindingNote, judged, judged_of_connection, takes_unbound
from .change_stamp import ChangeStamp
from .client_choice import ClientChoice
from .connection_type import ConnectionType
from .connections import (
    Connection,
    ConnectionCheck,
    ConnectionColumns,
    DefaultProfile,
    Fallback,
    Profile,
    ProfileColumns,
)
from .former_alias import AliasUse, FormerAlias
from .host_approval import HostApproval
from .key_replacement import KeyReplacement, SecretFingerprints
from .list_choice import ListChoice, TeamView
from .oauth_token import AccessToken
from .outlook import Outlook
from .package_upload import PackageUpload
from .row_version import RowVersion, VersionMark
from .schedule import JobRun, PlannedCheck, ScheduleLease
from .section_team import SectionTeam
from .seeing import seen
from .service_account import SUFFIX, ServiceAccount, is_service_account
from .shares import ConnectionShare, Level, ProfileShare
from .snooze import Snooze
from .task import Task, TaskPart
from .teams import Membership, Role, Team, role_taken, team_of_a_row
from .tokens import ApiToken, EndedBecause, RevealRecord, RevealToken, Token, works_now
from .traffic import ConnectionTraffic
from .trusted_issuer import IssuerRule, TrustedIssuer
from .undo_step import UndoStep

__all__ = [
    "ALIAS_PATTERN",
    "ALIAS_RULE",
    "GRACE",
    "RESERVED_ALIASES",
    "SUFFIX",
    "AccessToken",
    "AliasUse",
    "ApiToken",
    "AuditChain",
    "AuditCheckpoint",
    "AuditEvent",
    "AuditMention",
    "AuditStream",
    "BindingNote",
    "ByCodePoint",
    "ChangeStamp",
    "ClientChoice",
    "Connection",
    "ConnectionCheck",
    "ConnectionColumns",
    "ConnectionShare",
    "ConnectionTraffic",
    "ConnectionType",
    "DefaultProfile",
    "EndedBecause",
    "Fallback",
    "FormerAlias",
    "HostApproval",
    "IssuerRule",
    "JobRun",
    "KeyReplacement",
    "Level",
    "ListChoice",
    "Membership",
    "Outcome",
    "Outlook",
    "PackageUpload",
    "PlannedCheck",
    "Profile",
    "ProfileColumns",
    "ProfileShare",
    "RevealRecord",
    "RevealToken",
    "Role",
    "RowVersion",
    "ScheduleLease",
    "SecretFingerprints",
    "SectionTeam",
    "ServiceAccount",
    "Snooze",
    "Task",
    "TaskPart",
    "Team",
    "TeamView",
    "Token",
    "TrustedIssuer",
    "UndoStep",
    "VersionMark",
    "VersionedModel",
    "by_name",
    "has_name_key",
    "is_service_account",
    "judged",
    "judged_of_connection",
    "role_taken",
    "seen",
    "takes_unbound",
    "team_of_a_row",
    "works_now",
]
