"""Addresses of the pages."""

from django.urls import path

from .views import (
    bulk,
    connections,
    defaults,
    deletes,
    duplicates,
    in_place,
    packages,
    profiles,
    references,
    reveal_tokens,
    tokens,
    types,
)

urlpatterns = [
    path("connections/", connections.ConnectionListView.as_view(), name="connection-list"),
    path("connections/add/", connections.ProviderListView.as_view(), name="provider-list"),
    path(
        "connections/add/<str:provider_id>/",
        connections.ConnectionCreateView.as_view(),
        name="connection-create",
    ),
    path("connections/add-here/", in_place.AddHereView.as_view(), name="connection-add-here"),
    path("connections/bulk/", bulk.ConnectionBulkView.as_view(), name="connection-bulk"),
    path(
        "connections/<uuid:pk>/",
        connections.ConnectionDetailView.as_view(),
        name="connection-detail",
    ),
    path(
        "connections/<uuid:pk>/edit/",
        connections.ConnectionUpdateView.as_view(),
        name="connection-update",
    ),
    path(
        "connections/<uuid:pk>/delete/",
        deletes.ConnectionDeleteView.as_view(),
        name="connection-delete",
    ),
    path(
        "connections/<uuid:pk>/move-profiles/",
        deletes.ConnectionMoveProfilesView.as_view(),
        name="connection-move-profiles",
    ),
    path(
        "connections/<uuid:pk>/duplicate/",
        duplicates.ConnectionDuplicateView.as_view(),
        name="connection-duplicate",
    ),
    path(
        "connections/<uuid:pk>/test/",
        connections.ConnectionTestView.as_view(),
        name="connection-test",
    ),
    path(
        "connections/<uuid:pk>/toggle/",
        connections.ConnectionToggleView.as_view(),
        name="connection-toggle",
    ),
    path("packages/export/", packages.PackageExportView.as_view(), name="package-export"),
    path("packages/import/", packages.PackageImportView.as_view(), name="package-import"),
    path("packages/import/<uuid:pk>/", packages.PackagePlanView.as_view(), name="package-plan"),
    path("profiles/", profiles.ProfileListView.as_view(), name="profile-list"),
    path("profiles/add/", profiles.CapabilityListView.as_view(), name="capability-list"),
    path(
        "profiles/add/<slug:capability>/",
        profiles.ProfileCreateView.as_view(),
        name="profile-create",
    ),
    path("profiles/<uuid:pk>/", profiles.ProfileDetailView.as_view(), name="profile-detail"),
    path("profiles/<uuid:pk>/edit/", profiles.ProfileUpdateView.as_view(), name="profile-update"),
    path("profiles/<uuid:pk>/delete/", profiles.ProfileDeleteView.as_view(), name="profile-delete"),
    path(
        "profiles/<uuid:pk>/duplicate/",
        duplicates.ProfileDuplicateView.as_view(),
        name="profile-duplicate",
    ),
    path("profiles/<uuid:pk>/toggle/", profiles.ProfileToggleView.as_view(), name="profile-toggle"),
    path("settings/", defaults.DefaultsView.as_view(), name="defaults"),
    path("tokens/", tokens.TokenListView.as_view(), name="token-list"),
    path("tokens/<uuid:pk>/revoke/", tokens.TokenRevokeView.as_view(), name="token-revoke"),
    path("tokens/flows/", reveal_tokens.RevealTokenListView.as_view(), name="reveal-token-list"),
    path(
        "tokens/flows/reads/",
        reveal_tokens.RevealRecordListView.as_view(),
        name="reveal-record-list",
    ),
    path(
        "tokens/flows/<uuid:pk>/revoke/",
        reveal_tokens.RevealTokenRevokeView.as_view(),
        name="reveal-token-revoke",
    ),
    path("types/", types.TypeListView.as_view(), name="type-list"),
    path("types/install/", types.TypeInstallView.as_view(), name="type-install"),
    path("types/<str:key>/", types.TypeDetailView.as_view(), name="type-detail"),
    path("types/<str:key>/remove/", types.TypeRemoveView.as_view(), name="type-remove"),
    path("references/", references.ReferenceListView.as_view(), name="reference-list"),
]
