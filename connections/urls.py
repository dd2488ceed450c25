"""Addresses of the pages."""

from django.urls import path

from .views import (
    aliases,
    bulk,
    capability_list,
    connection_actions,
    connections,
    defaults,
    deletes,
    duplicates,
    form_answers,
    hosts,
    inline_add,
    list_choices,
    marks,
    profile_actions,
    profiles,
    provider_list,
    references,
    sections,
    sharing,
    switching,
    tasks,
    token_list,
    token_renewal,
    tokens,
    undo,
)

urlpatterns = [
    path("connections/", connections.ConnectionListView.as_view(), name="connection-list"),
    path("connections/add/", provider_list.ProviderListView.as_view(), name="provider-list"),
    path(
        "connections/add/<str:provider_id>/",
        connections.ConnectionCreateView.as_view(),
        name="connection-create",
    ),
    path("connections/add-here/", inline_add.AddHereView.as_view(), name="connection-add-here"),
    path(
        "connections/alias-offer/",
        form_answers.AliasOfferView.as_view(),
        name="connection-alias-offer",
    ),
    path(
        "connections/choices/",
        form_answers.ConnectionChoicesView.as_view(),
        name="connection-choices",
    ),
    path(
        "connections/<uuid:pk>/team/",
        sharing.ConnectionSharingView.as_view(),
        name="connection-sharing",
    ),
    path("profiles/<uuid:pk>/team/", sharing.ProfileSharingView.as_view(), name="profile-sharing"),
    path("connections/bulk/", bulk.BulkView.as_view(), name="connection-bulk"),
    *(
        path(f"connections/bulk/{act}/", page.as_view(), name=f"connection-bulk-{act}")
        for act, page in bulk.ASKING.items()
    ),
    path("profiles/bulk/", bulk.BulkView.as_view(**bulk.OF_PROFILES), name="profile-bulk"),
    *(
        path(
            f"profiles/bulk/{act}/",
            page.as_view(**bulk.OF_PROFILES),
            name=f"profile-bulk-{act}",
        )
        for act, page in bulk.ASKING.items()
    ),
    path("tasks/<uuid:pk>/", tasks.TaskView.as_view(), name="task"),
    path(
        "connections/switch-off/",
        switching.ConnectionSwitchOffView.as_view(),
        name="connection-switch-off",
    ),
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
        "connections/<uuid:pk>/alias/",
        aliases.ConnectionAliasView.as_view(),
        name="connection-alias",
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
        connection_actions.ConnectionTestView.as_view(),
        name="connection-test",
    ),
    path(
        "connections/<uuid:pk>/purge/",
        connection_actions.ConnectionPurgeView.as_view(),
        name="connection-purge",
    ),
    path(
        "connections/<uuid:pk>/toggle/",
        connection_actions.ConnectionToggleView.as_view(),
        name="connection-toggle",
    ),
    path("marks/<slug:name>.svg", marks.mark, name="mark"),
    path("profiles/", profiles.ProfileListView.as_view(), name="profile-list"),
    path("profiles/add/", capability_list.CapabilityListView.as_view(), name="capability-list"),
    path(
        "profiles/alias-offer/",
        form_answers.ProfileAliasOfferView.as_view(),
        name="profile-alias-offer",
    ),
    path(
        "profiles/add/<slug:capability>/",
        profiles.ProfileCreateView.as_view(),
        name="profile-create",
    ),
    path("profiles/<uuid:pk>/", profiles.ProfileDetailView.as_view(), name="profile-detail"),
    path("profiles/<uuid:pk>/edit/", profiles.ProfileUpdateView.as_view(), name="profile-update"),
    path("profiles/<uuid:pk>/alias/", aliases.ProfileAliasView.as_view(), name="profile-alias"),
    path(
        "profiles/<uuid:pk>/delete/",
        profile_actions.ProfileDeleteView.as_view(),
        name="profile-delete",
    ),
    path(
        "profiles/<uuid:pk>/duplicate/",
        duplicates.ProfileDuplicateView.as_view(),
        name="profile-duplicate",
    ),
    path(
        "profiles/<uuid:pk>/toggle/",
        profile_actions.ProfileToggleView.as_view(),
        name="profile-toggle",
    ),
    path(
        "former-aliases/<uuid:pk>/",
        aliases.FormerAliasRemoveView.as_view(),
        name="former-alias-remove",
    ),
    path("settings/", defaults.DefaultsView.as_view(), name="defaults"),
    path("tokens/", token_list.TokenListView.as_view(), name="token-list"),
    path("tokens/revoke/", tokens.TokenBulkRevokeView.as_view(), name="token-bulk-revoke"),
    path("tokens/<uuid:pk>/", tokens.TokenDetailView.as_view(), name="token-detail"),
    path("tokens/<uuid:pk>/renew/", token_renewal.TokenRenewView.as_view(), name="token-renew"),
    path("tokens/<uuid:pk>/revoke/", tokens.TokenRevokeView.as_view(), name="token-revoke"),
    path(
        "lists/<slug:list_name>/columns/",
        list_choices.ColumnsView.as_view(),
        name="list-columns",
    ),
    path("lists/<slug:list_name>/views/", list_choices.SaveViewView.as_view(), name="list-views"),
    path("undo/", undo.UndoView.as_view(), name="undo"),
    path("references/", references.ReferenceListView.as_view(), name="reference-list"),
    path("references/hosts/", hosts.HostListView.as_view(), name="host-list"),
    path("references/hosts/<uuid:pk>/", hosts.HostDecisionView.as_view(), name="host-decide"),
    path("references/sections/", sections.SectionListView.as_view(), name="section-list"),
    path("references/sources/", references.SourceListView.as_view(), name="source-list"),
]
