"""Every table has its place: in a backup, or on a list with a reason."""

from django.apps import apps
from django.db import connection

from backoffice.backup.tables import EMPTIED, UNTOUCHED, kept, tables

# A new model gets a line here, or among those that backoffice/backup/tables.py leaves out.
KEPT = """
account.EmailAddress admin.LogEntry auth.Group auth.Group_permissions auth.Permission auth.User
auth.User_groups auth.User_user_permissions connections.AccessToken connections.AliasUse
connections.ApiToken connections.ApiToken_profiles connections.AuditChain
connections.AuditCheckpoint connections.AuditEvent connections.AuditMention connections.AuditStream
connections.BindingNote connections.ClientChoice connections.Connection connections.ConnectionCheck
connections.ConnectionShare connections.ConnectionTraffic connections.ConnectionType
connections.DefaultProfile connections.Fallback connections.FormerAlias
connections.HistoricalConnection connections.HistoricalProfile connections.HostApproval
connections.IssuerRule connections.IssuerRule_profiles connections.JobRun
connections.KeyReplacement connections.ListChoice connections.Membership connections.Outlook
connections.PlannedCheck connections.Profile connections.ProfileShare connections.RevealRecord
connections.RevealToken connections.RevealToken_connections connections.RowVersion
connections.SecretFingerprints connections.SectionTeam connections.ServiceAccount
connections.Snooze connections.Team connections.TeamView connections.TrustedIssuer
connections.VersionMark contenttypes.ContentType gateway.CountedUsage gateway.Notice
gateway.NoticeDelivery gateway.NoticeLook gateway.NoticeSeen gateway.NoticeState
gateway.NoticeTarget gateway.TokenCount gateway.UsageAttempt gateway.UsageRecord
gateway.UsageRoute gateway.UsageRouteAttempt gateway.UsageTotal mfa.Authenticator
people.ExpectedLink people.Preferences people.ProviderMembership people.ProviderRole
people.SecondFactorSecret people.SignInLimit people.ViewAs socialaccount.SocialAccount
"""


def test_every_table_is_in_a_backup_or_is_left_out_for_a_reason():
    assert {one.label for one in kept()} == {*KEPT.split()}
    left_out = {**EMPTIED, **UNTOUCHED}
    assert {one.label for one in tables()} == {*KEPT.split(), *left_out}
    assert all(left_out.values()) and not {*KEPT.split()} & {*left_out}


def test_whoever_is_referred_to_comes_first():
    place = {one.label: at for at, one in enumerate(tables())}
    wrong = [
        (model._meta.label, field.name)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.local_concrete_fields
        if field.remote_field and field.related_model is not model
        if place[field.related_model._meta.label] > place[model._meta.label]
    ]
    # the two refer to each other; both databases judge keys at the end of the transaction
    assert wrong == [("connections.ConnectionCheck", "connection")]


def test_every_table_of_the_database_is_one_of_them(db: None):
    found = set(connection.introspection.table_names())
    assert found - {one.name for one in tables()} == {"django_migrations"}
