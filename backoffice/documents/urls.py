"""Addresses of the documents."""

from django.urls import path

from .views import DocumentView, SearchView, show_file

urlpatterns = [
    path("docs/", DocumentView.as_view(), name="documents"),
    path("docs/search/", SearchView.as_view(), name="document-search"),
    path("docs/files/<path:name>", show_file, name="document-file"),
    path("docs/<path:name>/", DocumentView.as_view(), name="document"),
]
