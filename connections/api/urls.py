"""Addresses of the API, mounted under /api/v1 and under every prefix of API_EXTRA_PREFIXES.

Literal words come before aliases.
"""

from django.urls import path

from . import (
    aliases,
    connection_reads,
    connections,
    health,
    host_approvals,
    profiles,
    providers,
    purging,
    sections,
    sharing,
    teams,
    tokens,
    undo,
)
from .docs import DocsView, SchemaView

urlpatterns = [
    path("connections", connections.ConnectionList.as_view()),
    path("connections/test", connections.ConnectionTestUnsaved.as_view()),
    path("connections/capabilities", connection_reads.ConnectionCapabilities.as_view()),
    path(
        "connections/capabilities/<str:capability>",
        connection_reads.ConnectionsByCapability.as_view(),
    ),
    path("connections/<str:id_or_alias>", connections.ConnectionDetail.as_view()),
    path("connections/<str:alias>/exists", connections.ConnectionExists.as_view()),
    path("connections/<str:id_or_alias>/test", connections.ConnectionTest.as_view()),
    path("connections/<str:id_or_alias>/duplicate", connections.ConnectionDuplicate.as_view()),
    path("connections/<str:id_or_alias>/purge", purging.ConnectionPurge.as_view()),
    path("connections/<str:id_or_alias>/models", connection_reads.ConnectionModels.as_view()),
    path(
        "connections/<str:id_or_alias>/references", connection_reads.ConnectionReferences.as_view()
    ),
    path("connections/<str:id_or_alias>/usages", connection_reads.ConnectionUsages.as_view()),
    path("connections/<str:id_or_alias>/alias", aliases.ConnectionAlias.as_view()),
    path("connections/<str:id_or_alias>/former-aliases", aliases.ConnectionFormerAliases.as_view()),
    path(
        "connections/<str:id_or_alias>/former-aliases/<str:alias>",
        aliases.ConnectionFormerAlias.as_view(),
    ),
    path("connections/<str:id_or_alias>/team", sharing.ConnectionTeam.as_view()),
    path("connections/<str:id_or_alias>/shares", sharing.ConnectionShares.as_view()),
    path(
        "connections/<str:id_or_alias>/shares/<str:team>", sharing.ConnectionShareDetail.as_view()
    ),
    path("profiles", profiles.ProfileList.as_view()),
    path("profiles/<str:id_or_alias>", profiles.ProfileDetail.as_view()),
    path("profiles/<str:alias>/exists", profiles.ProfileExists.as_view()),
    path("profiles/<str:id_or_alias>/duplicate", profiles.ProfileDuplicate.as_view()),
    path("profiles/<str:id_or_alias>/alias", aliases.ProfileAlias.as_view()),
    path("profiles/<str:id_or_alias>/former-aliases", aliases.ProfileFormerAliases.as_view()),
    path(
        "profiles/<str:id_or_alias>/former-aliases/<str:alias>",
        aliases.ProfileFormerAlias.as_view(),
    ),
    path("profiles/<str:id_or_alias>/team", sharing.ProfileTeam.as_view()),
    path("profiles/<str:id_or_alias>/shares", sharing.ProfileShares.as_view()),
    path("profiles/<str:id_or_alias>/shares/<str:team>", sharing.ProfileShareDetail.as_view()),
    path("teams", teams.TeamList.as_view()),
    path("teams/<str:team>", teams.TeamDetail.as_view()),
    path("teams/<str:team>/members", teams.MemberList.as_view()),
    path("teams/<str:team>/members/<str:user>", teams.MemberDetail.as_view()),
    path("providers", providers.ProviderList.as_view()),
    path("providers/<str:provider_id>", providers.ProviderDetail.as_view()),
    path("host-approvals", host_approvals.HostApprovalList.as_view()),
    path("host-approvals/<str:id>", host_approvals.HostApprovalDetail.as_view()),
    path("reference-sections", sections.ReferenceSectionList.as_view()),
    path("reference-sections/<str:section>", sections.ReferenceSectionDetail.as_view()),
    path("health-report", health.HealthReport.as_view()),
    path("settings", providers.DefaultsView.as_view()),
    path("tokens", tokens.TokenList.as_view()),
    path("tokens/<str:id>", tokens.TokenDetail.as_view()),
    path("tokens/<str:id>/renew", tokens.TokenRenew.as_view()),
    path("undo", undo.Undo.as_view()),
    path("schema", SchemaView.as_view(), name="api-schema"),
    path("docs", DocsView.as_view(), name="api-docs"),
]
