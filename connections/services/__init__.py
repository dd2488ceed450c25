"""The only door: whatever changes or uses a connection or a profile comes through here.

Surfaces translate, services decide. No service takes a request: the person is `actor`, and None
means the machine's own operator at a terminal, who may do everything.
"""

from ..packages.errors import PackageConflict, PackageError
from ..packages.plan import Decisions, Placeholder, Plan, PlanItem
from .addresses import address_of
from .checks import Outcome, list_models, test_connection, test_connections, test_settings
from .connections import (
    Saved,
    create_connection,
    delete_connection,
    move_profiles,
    set_active,
    update_connection,
)
from .defaults import default_profiles, set_default_profiles
from .duplicates import duplicate_connection, duplicate_profile
from .errors import FieldError, InUse, Invalid, Notice, Stale, Throttled, Unusable
from .fallbacks import MOST_FALLBACKS
from .history import Version, versions
from .http_clients import http_client
from .package_export import export_package
from .package_import import import_package
from .package_plan import brings_profiles, plan_import
from .package_uploads import MAY_IMPORT, drop_upload, keep_upload, read_upload
from .permissions import require
from .profiles import (
    create_profile,
    delete_profile,
    dependents_of,
    set_profile_active,
    update_profile,
)
from .promptflow import find_promptflow
from .reveal import NotRevealed, Revealed, reveal_connection, reveal_connections
from .reveal_tokens import REVEAL_SCOPE, create_reveal_token, prune_reveals, revoke_reveal_token
from .rotation import KeyReport, key_report, rotate_credentials
from .stamp import CHANNEL, bump_stamp, read_stamp, redis_address
from .tokens import (
    Caller,
    Scope,
    allows,
    authenticate_token,
    caller_of,
    create_token,
    find_caller,
    revoke_token,
)
from .type_catalog import LARGEST as LARGEST_TYPE
from .type_catalog import confirm_types, type_problems
from .type_catalog import decoded as decoded_type
from .type_catalog import read_document as read_type_file
from .type_entries import TypeEntry, connection_type, connection_types, rows_behind, type_users
from .type_hosts import hosts_of
from .type_preview import TypePreview, preview_type, preview_types, read_types
from .type_rows import Move
from .types import InstalledType, SyncedType, install_type, install_types, remove_type, sync_types
from .using import (
    FieldReference,
    StoredConnection,
    StoredProfile,
    find_connection,
    find_default_profile,
    find_profile,
    get_configured_provider,
    public_settings,
    reference_states,
    resolved_settings,
)

__all__ = [
    "CHANNEL",
    "LARGEST_TYPE",
    "MAY_IMPORT",
    "MOST_FALLBACKS",
    "REVEAL_SCOPE",
    "Caller",
    "Decisions",
    "FieldError",
    "FieldReference",
    "InUse",
    "InstalledType",
    "Invalid",
    "KeyReport",
    "Move",
    "NotRevealed",
    "Notice",
    "Outcome",
    "PackageConflict",
    "PackageError",
    "Placeholder",
    "Plan",
    "PlanItem",
    "Revealed",
    "Saved",
    "Scope",
    "Stale",
    "StoredConnection",
    "StoredProfile",
    "SyncedType",
    "Throttled",
    "TypeEntry",
    "TypePreview",
    "Unusable",
    "Version",
    "address_of",
    "allows",
    "authenticate_token",
    "brings_profiles",
    "bump_stamp",
    "caller_of",
    "confirm_types",
    "connection_type",
    "connection_types",
    "create_connection",
    "create_profile",
    "create_reveal_token",
    "create_token",
    "decoded_type",
    "default_profiles",
    "delete_connection",
    "delete_profile",
    "dependents_of",
    "drop_upload",
    "duplicate_connection",
    "duplicate_profile",
    "export_package",
    "find_caller",
    "find_connection",
    "find_default_profile",
    "find_profile",
    "find_promptflow",
    "get_configured_provider",
    "hosts_of",
    "http_client",
    "import_package",
    "install_type",
    "install_types",
    "keep_upload",
    "key_report",
    "list_models",
    "move_profiles",
    "plan_import",
    "preview_type",
    "preview_types",
    "prune_reveals",
    "public_settings",
    "read_stamp",
    "read_type_file",
    "read_types",
    "read_upload",
    "redis_address",
    "reference_states",
    "remove_type",
    "require",
    "resolved_settings",
    "reveal_connection",
    "reveal_connections",
    "revoke_reveal_token",
    "revoke_token",
    "rotate_credentials",
    "rows_behind",
    "set_active",
    "set_default_profiles",
    "set_profile_active",
    "sync_types",
    "test_connection",
    "test_connections",
    "test_settings",
    "type_problems",
    "type_users",
    "update_connection",
    "update_profile",
    "versions",
]
