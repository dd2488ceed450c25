"""The doors: pages, sign-in, Django's admin."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from .views import DashboardView, PasswordChangedView, PasswordChangeView, SignInView

urlpatterns = [
    path("", DashboardView.as_view(), name="dashboard"),
    path("", include("connections.urls")),
    path("sign-in/", SignInView.as_view(), name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("password/", PasswordChangeView.as_view(), name="password-change"),
    path("password/done/", PasswordChangedView.as_view(), name="password-changed"),
    path("admin/login/", SignInView.as_view()),
    path("admin/", admin.site.urls),
]
