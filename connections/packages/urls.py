"""Addresses of the pages of packages."""

from django.urls import path

from . import views

urlpatterns = [
    path("packages/export/", views.PackageExportView.as_view(), name="package-export"),
    path("packages/import/", views.PackageImportView.as_view(), name="package-import"),
    path("packages/import/<uuid:pk>/", views.PackagePlanView.as_view(), name="package-plan"),
]
