"""Addresses that stand before those of the API, under the prefixes of API_EXTRA_PREFIXES."""

from django.urls import path

from . import (
    absent,
    analytics,
    audit_logs,
    connections,
    defaults,
    profiles,
    providers,
    versions,
)

PAGE: dict[str, object] = {"total": 0, "items": []}
NONE: list[object] = []
ENTITY = "versions/<str:entity_type>/<str:entity_id>"

urlpatterns = [
    path("analytics/usage-summary", analytics.UsageSummary.as_view()),
    path("analytics/usage-by-provider", analytics.UsageByProvider.as_view()),
    path("analytics/usage-by-model", analytics.UsageByModel.as_view()),
    path("analytics/usage-by-profile", analytics.UsageByProfile.as_view()),
    path("analytics/usage-by-user", analytics.UsageByUser.as_view()),
    path("audit-logs", audit_logs.AuditLogList.as_view()),
    path("audit-logs/cleanup", audit_logs.AuditLogCleanup.as_view()),
    path("audit-logs/<str:id>", audit_logs.AuditLogDetail.as_view()),
    path("connections", connections.ConnectionList.as_view()),
    path("connections/test", connections.ConnectionTestUnsaved.as_view()),
    path("connections/capabilities", connections.AllCapabilities.as_view()),
    path("connections/<str:id_or_alias>", connections.ConnectionDetail.as_view()),
    path("connections/<str:alias>/exists", connections.ConnectionExists.as_view()),
    path(
        "connections/<str:id_or_alias>/capabilities", connections.ConnectionCapabilities.as_view()
    ),
    path("connections/<str:id_or_alias>/duplicate", connections.ConnectionDuplicate.as_view()),
    path("connections/<str:id_or_alias>/models", connections.ConnectionModels.as_view()),
    path("profiles", profiles.ProfileList.as_view()),
    path("profiles/<str:id_or_alias>", profiles.ProfileDetail.as_view()),
    path("profiles/<str:alias>/exists", profiles.ProfileExists.as_view()),
    path("providers", providers.ProviderList.as_view()),
    path("providers/<str:provider_id>", providers.ProviderDetail.as_view()),
    path("settings", defaults.Settings.as_view()),
    path("versions/supported-types", versions.SupportedTypes.as_view()),
    path(ENTITY, versions.VersionHistory.as_view()),
    path(f"{ENTITY}/<int:number>", versions.Version.as_view()),
    path(f"{ENTITY}/<int:number>/compare/<int:other>", versions.Comparison.as_view()),
    path(f"{ENTITY}/<int:number>/rollback", versions.Rollback.as_view()),
    path("speech-to-text/transcribe", absent.Transcribe.as_view()),
    *(
        path(name, absent.Empty.as_view(answer=PAGE))
        for name in ("contexts", "guardrails", "tests", "test-runs")
    ),
    *(
        path(name, absent.Empty.as_view(answer=NONE))
        for name in (
            "context-resource-types",
            "guardrail-evaluators",
            "test-features",
            "test-graders",
            "tests/entity-types",
            "tools",
            "tools/scopes",
        )
    ),
    *(
        path(f"{name}/<str:alias>/exists", absent.AliasExists.as_view())
        for name in ("contexts", "guardrails")
    ),
]
