"""Addresses of the pages of versions."""

from django.urls import path

from . import views

urlpatterns = [
    path(
        "connections/<uuid:pk>/versions/",
        views.ConnectionVersionListView.as_view(),
        name="connection-versions",
    ),
    path(
        "connections/<uuid:pk>/versions/<int:number>/",
        views.ConnectionVersionView.as_view(),
        name="connection-version",
    ),
    path(
        "profiles/<uuid:pk>/versions/",
        views.ProfileVersionListView.as_view(),
        name="profile-versions",
    ),
    path(
        "profiles/<uuid:pk>/versions/<int:number>/",
        views.ProfileVersionView.as_view(),
        name="profile-version",
    ),
    path("versions/<slug:kind>/<str:id>/", views.VersionListView.as_view(), name="versions"),
    path(
        "versions/<slug:kind>/<str:id>/<int:number>/", views.VersionView.as_view(), name="version"
    ),
    path("deleted/", views.DeletedListView.as_view(), name="deleted-list"),
    path("deleted/<uuid:pk>/", views.DeletedRestoreView.as_view(), name="deleted-restore"),
]
