"""The doors: pages, sign-in, Django's admin."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from .health import health_live, health_ready
from .views import (
    AdminSignInView,
    DashboardView,
    PasswordChangedView,
    PasswordChangeView,
    SignInView,
)

API_PREFIXES = ["api/v1", *settings.API_EXTRA_PREFIXES]

urlpatterns = [
    path("", DashboardView.as_view(), name="dashboard"),
    path("", include("connections.urls")),
    path("", include("gateway.urls")),
    path("promptflow/", include("connections.reveal.urls")),
    path("sign-in/", SignInView.as_view(), name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("password/", PasswordChangeView.as_view(), name="password-change"),
    path("password/done/", PasswordChangedView.as_view(), name="password-changed"),
    *(
        path(f"{prefix}/", include(api))
        for prefix in API_PREFIXES
        for api in ("connections.api.urls", "gateway.api.urls")
    ),
    path("health/live", health_live, name="health-live"),
    path("health/ready", health_ready, name="health-ready"),
    path("admin/login/", AdminSignInView.as_view()),
    path("admin/", admin.site.urls),
]

handler404 = "backoffice.views.not_found"
