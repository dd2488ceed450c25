"""The only door: whatever changes or uses a connection or a profile comes through here.

Surfaces translate, services decide. No service takes a request: the person is `actor`, and None
means the machine's own operator at a terminal, who may do everything.
"""

from ..errors import (
    FieldError,
    InUse,
    Invalid,
    MissingRight,
    Notice,
    NotUndone,
    Stale,
    Throttled,
    Unusable,
)
from ..standing import MANAGES
from .aliases import change_alias, offered_alias, remove_former_alias
from .approvals import (
    ask_for_moved_hosts,
    decide_host,
    forget_host,
    may_hand_to_flows,
    settle_all_hosts,
    settle_flows,
)
from .base import content, new_alias, save_version, save_versions
from .binding import bind_credentials
from .bulk_tests import (
    TestSummary,
    begin_bulk_test,
    bulk_test_summary,
    failed_in,
    resume_bulk_tests,
    run_bulk_test,
)
from .callers import (
    Caller,
    Scope,
    allows,
    authenticate_token,
    caller_of,
    find_caller,
    note_refused_token,
    profiles_limit,
    refusals_due,
    refused_address,
)
from .checking import CheckResult, learn, run_check
from .checks import (
    list_models,
    prepare_check,
    record_check,
    record_scheduled,
    test_connection,
    test_settings,
)
from .connections import create_connection, delete_connection, move_profiles, update_connection
from .defaults import CLASSIFIER, classifier_profile, default_profiles, set_default_profiles
from .drafts import Draft, Saved, draft_change, draft_connection
from .duplicates import duplicate_connection, duplicate_profile, expected_secrets
from .event_changes import changes_of
from .fallbacks import MOST_FALLBACKS, fallback_errors, replace_fallbacks
from .history import Difference, Version, count_versions, versions
from .hosts import Hosts
from .http_clients import http_client
from .jobs import declare_jobs
from .list_choices import (
    choose_columns,
    list_choice,
    remove_team_view,
    remove_view,
    save_team_view,
    save_view,
    team_views,
    teams_to_save_for,
)
from .narrowing import USE_PROFILE, Narrowing, UsableProfiles
from .networks import clean_networks
from .permissions import Actor, may, require, roles_that_hold
from .profile_notices import profile_notices
from .profiles import (
    ProfileDraft,
    create_profile,
    delete_profile,
    dependents_of,
    draft_profile,
    draft_profile_change,
    update_profile,
)
from .purged_versions import purge_versions
from .purging import (
    Keeper,
    declare_keeper,
    has_unused_secrets,
    purge_connection,
    purge_secrets,
    secrets_left,
)
from .renewal import renew_tokens
from .restoration_plans import compare_versions, fields_of, plan_restoration
from .restoring import restore_version
from .retention import CHECKS_KEPT, prune_checks, prune_history
from .reviving import revive
from .rotation import declare_encrypted, key_report, rotate_credentials
from .sections import limit_section, limited_section_list, open_section, sections_opened_by
from .selection import Selection, connections_of, selected
from .settings_validation import entries, merge_patch, plain_settings
from .several import delete_several, free_and_needed, needed_by, retag
from .sharing import move_to_team, share, shares_of, unshare
from .source_tests import test_sources
from .switching import set_active, set_profile_active, switch
from .tasks import TaskProgress, beat, cancel_task, drop_task, task_of, tasks_of
from .team_end import delete_team, owned_by
from .team_members import administrators_of, members_of
from .teams import (
    change_team,
    create_team,
    limit_team,
    may_add_for_all,
    remove_member,
    rename_team,
    service_account_named,
    set_member,
    team_for_new,
    team_named,
    teams_of,
    teams_to_add,
    teams_to_share_with,
)
from .token_ends import (
    default_life,
    end_tokens_of,
    end_unused_tokens,
    longest_life,
    may_be_endless,
    resume_tokens_of,
    unused_tokens,
)
from .token_owners import may_make_tokens, require_above, require_may_make_tokens
from .tokens import create_token, renew_token, revoke_token, revoke_tokens, token_errors
from .undo import undo_last_act
from .undo_steps import last_step, prune_undo_steps
