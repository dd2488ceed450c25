"""Addresses of signing in by a provider. Those that begin with `openid_connect_` are what allauth
looks for.
"""

from django.urls import path

from . import views

sign_out = views.SignOutView.as_view()

urlpatterns = [
    path("sign-out/", sign_out, name="account_logout"),
    path("sign-out/", sign_out, name="sign-out"),
    path("sign-in/confirm/provider/", views.ConfirmView.as_view(), name="confirm-by-provider"),
    path("sign-in/by/<slug:provider_id>/", views.BeginView.as_view(), name="openid_connect_login"),
    path("sign-in/by/<slug:provider_id>/done/", views.callback, name="openid_connect_callback"),
    path(
        "sign-in/by/<slug:provider_id>/signed-out/",
        views.BackChannelView.as_view(),
        name="provider-signed-out",
    ),
    path("your-sign-in/link/<slug:provider_id>/", views.LinkView.as_view(), name="provider-link"),
    path("your-sign-in/unlink/<int:pk>/", views.UnlinkView.as_view(), name="provider-unlink"),
]
