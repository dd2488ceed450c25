"""The only door: whatever changes or uses a connection or a profile comes through here.

Surfaces translate, services decide. No service takes a request: the person is `actor`, and None
means the machine's own operator at a terminal, who may do everything.
"""

from .base import content, new_alias, save_version
from .change_counter import (
    CHANNEL,
    bump_change_counter,
    read_change_counter,
    redis_address,
    watch_changes,
)
from .checks import CheckResult, list_models, test_connection, test_connections, test_settings
from .connections import (
    Saved,
    create_connection,
    delete_connection,
    move_profiles,
    set_active,
    update_connection,
)
from .defaults import default_profiles, set_default_profiles
from .display import FieldReference, public_settings, reference_states
from .duplicates import duplicate_connection, duplicate_profile, expected_secrets
from .errors import FieldError, InUse, Invalid, Notice, Stale, Throttled, Unusable
from .fallbacks import MOST_FALLBACKS
from .history import Version, versions
from .http_clients import http_client
from .permissions import Actor, require
from .profiles import (
    create_profile,
    delete_profile,
    dependents_of,
    set_profile_active,
    update_profile,
)
from .rotation import KeyReport, key_report, rotate_credentials
from .runtime import (
    StoredConnection,
    StoredProfile,
    Usable,
    find_connection,
    find_default_profile,
    find_profile,
    get_configured_provider,
    resolved_settings,
)
from .settings_validation import entries, merge_patch, plain_settings
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

__all__ = [
    "CHANNEL",
    "MOST_FALLBACKS",
    "Actor",
    "Caller",
    "CheckResult",
    "FieldError",
    "FieldReference",
    "InUse",
    "Invalid",
    "KeyReport",
    "Notice",
    "Saved",
    "Scope",
    "Stale",
    "StoredConnection",
    "StoredProfile",
    "Throttled",
    "Unusable",
    "Usable",
    "Version",
    "allows",
    "authenticate_token",
    "bump_change_counter",
    "caller_of",
    "content",
    "create_connection",
    "create_profile",
    "create_token",
    "default_profiles",
    "delete_connection",
    "delete_profile",
    "dependents_of",
    "duplicate_connection",
    "duplicate_profile",
    "entries",
    "expected_secrets",
    "find_caller",
    "find_connection",
    "find_default_profile",
    "find_profile",
    "get_configured_provider",
    "http_client",
    "key_report",
    "list_models",
    "merge_patch",
    "move_profiles",
    "new_alias",
    "plain_settings",
    "public_settings",
    "read_change_counter",
    "redis_address",
    "reference_states",
    "require",
    "resolved_settings",
    "revoke_token",
    "rotate_credentials",
    "save_version",
    "set_active",
    "set_default_profiles",
    "set_profile_active",
    "test_connection",
    "test_connections",
    "test_settings",
    "update_connection",
    "update_profile",
    "versions",
    "watch_changes",
]
