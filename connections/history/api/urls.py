"""Addresses of versions in the API, under the same prefixes as connections.api.urls."""

from django.urls import path

from . import deleted, kept, openapi, versions  # noqa: F401 openapi registers itself

OF_CONNECTION = "connections/<str:id_or_alias>/versions"
OF_PROFILE = "profiles/<str:id_or_alias>/versions"
KEPT = "versions/<str:kind>/<str:id>"

urlpatterns = [
    path(OF_CONNECTION, versions.ConnectionVersions.as_view()),
    path(f"{OF_CONNECTION}/<int:number>", versions.ConnectionVersion.as_view()),
    path(
        f"{OF_CONNECTION}/<int:number>/compare/<int:other>",
        versions.ConnectionComparison.as_view(),
    ),
    path(f"{OF_CONNECTION}/<int:number>/restore", versions.ConnectionRestoration.as_view()),
    path(OF_PROFILE, versions.ProfileVersions.as_view()),
    path(f"{OF_PROFILE}/<int:number>", versions.ProfileVersion.as_view()),
    path(f"{OF_PROFILE}/<int:number>/compare/<int:other>", versions.ProfileComparison.as_view()),
    path(f"{OF_PROFILE}/<int:number>/restore", versions.ProfileRestoration.as_view()),
    path(KEPT, kept.KeptVersions.as_view()),
    path(f"{KEPT}/<int:number>", kept.KeptVersion.as_view()),
    path(f"{KEPT}/<int:number>/compare/<int:other>", kept.KeptComparison.as_view()),
    path(f"{KEPT}/<int:number>/restore", kept.KeptRestoration.as_view()),
    path("deleted", deleted.DeletedList.as_view()),
    path("deleted/<str:id>/restore", deleted.DeletedRestoration.as_view()),
]
