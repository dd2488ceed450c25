"""The doors: pages, sign-in, Django's admin."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from .administration import AdministrationView
from .health import health_live, health_ready, health_startup
from .styleguide import StyleguideView
from .views import DashboardView, StartView

API = (
    "connections.api.urls",
    "connections.packages.api.urls",
    "connections.schedule.api.urls",
    "connections.replacement.api.urls",
    "connections.workloads.api.urls",
    "connections.history.api.urls",
    "backoffice.people.service_accounts.api",
    "backoffice.audit.api",
    "gateway.api.urls",
)
UMBRACO = ("gateway.umbraco.urls", *API)  # what it has in another shape stands before
PREFIXES = {"api/v1": API} | dict.fromkeys(settings.API_EXTRA_PREFIXES, UMBRACO)

urlpatterns = [
    path("", DashboardView.as_view(), name="dashboard"),
    path("administration/", AdministrationView.as_view(), name="administration"),
    path("start/", StartView.as_view(), name="start"),
    path("", include("connections.urls")),
    path("", include("connections.types.urls")),
    path("", include("connections.packages.urls")),
    path("", include("connections.promptflow.urls")),
    path("", include("connections.schedule.urls")),
    path("", include("connections.replacement.urls")),
    path("", include("connections.workloads.urls")),
    path("", include("connections.history.urls")),
    path("", include("gateway.urls")),
    path("promptflow/", include("connections.promptflow.endpoint_urls")),
    path("", include("backoffice.people.urls")),
    path("", include("backoffice.finding.urls")),
    path("", include("backoffice.documents.urls")),
    path("", include("backoffice.audit.urls")),
    *(path(f"{prefix}/", include(one)) for prefix, all_ in PREFIXES.items() for one in all_),
    path("health/live", health_live, name="health-live"),
    path("health/ready", health_ready, name="health-ready"),
    path("health/startup", health_startup, name="health-startup"),
    path("styleguide/", StyleguideView.as_view(), name="styleguide"),
    path("admin/", admin.site.urls),
]

handler403 = "backoffice.refusals.refused"
handler404 = "backoffice.views.not_found"
handler500 = "backoffice.views.fault"
