"""The only door: whatever changes or uses a connection or a profile comes through here.

Surfaces translate, services decide. No service takes a request: the person is `actor`, and None means the machine's
own operator at a terminal, who may do everything.
"""

from .addresses import source_address
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
from .errors import FieldError, InUse, Invalid, Notice, Stale, Throttled, Unusable
from .exports import export_connections
from .fallbacks import MOST_FALLBACKS
from .history import Version, versions
from .permissions import require
from .profiles import create_profile, delete_profile, dependents_of, set_profile_active, update_profile
from .promptflow import find_promptflow
from .reveal import NotRevealed, Revealed, reveal_connection, reveal_connections
from .reveal_tokens import REVEAL_SCOPE, create_reveal_token, prune_reveals, revoke_reveal_token
from .rotation import KeyReport, key_report, rotate_credentials
from .stamp import CHANNEL, bump_stamp, read_stamp, redis_address
from .tokens import Caller, Scope, allows, authenticate_token, caller_of, create_token, find_caller, revoke_token
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
    "MOST_FALLBACKS",
    "REVEAL_SCOPE",
    "Caller",
    "FieldError",
    "FieldReference",
    "InUse",
    "Invalid",
    "KeyReport",
    "NotRevealed",
    "Notice",
    "Outcome",
    "Revealed",
    "Saved",
    "Scope",
    "Stale",
    "StoredConnection",
    "StoredProfile",
    "Throttled",
    "Unusable",
    "Version",
    "allows",
    "authenticate_token",
    "bump_stamp",
    "caller_of",
    "create_connection",
    "create_profile",
    "create_reveal_token",
    "create_token",
    "default_profiles",
    "delete_connection",
    "delete_profile",
    "dependents_of",
    "export_connections",
    "find_caller",
    "find_connection",
    "find_default_profile",
    "find_profile",
    "find_promptflow",
    "get_configured_provider",
    "key_report",
    "list_models",
    "move_profiles",
    "prune_reveals",
    "public_settings",
    "read_stamp",
    "redis_address",
    "reference_states",
    "require",
    "resolved_settings",
    "reveal_connection",
    "reveal_connections",
    "revoke_reveal_token",
    "revoke_token",
    "rotate_credentials",
    "set_active",
    "set_default_profiles",
    "set_profile_active",
    "source_address",
    "test_connection",
    "test_connections",
    "test_settings",
    "update_connection",
    "update_profile",
    "versions",
]
