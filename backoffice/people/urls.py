"""Addresses of sign-in, passwords, and people."""

from django.urls import include, path

from . import administration, lists, preferences, provider_links
from .reset import views as reset
from .service_accounts import views as accounts
from .teams import views as teams
from .teams.lists import TeamListView
from .view_as.views import ViewAsEndView, ViewAsView
from .why_not import WhyNotView

urlpatterns = [
    path("", include("backoffice.people.signin.urls")),
    path("", include("backoffice.people.oidc.urls")),
    path("you/", preferences.PreferencesView.as_view(), name="preferences"),
    path("why-not/<str:right>/", WhyNotView.as_view(), name="why-not"),
    path("sign-in/reset/", reset.AskView.as_view(), name="password-reset"),
    path(
        "sign-in/reset/<str:uid>/<str:token>/",
        reset.ConfirmView.as_view(),
        name="password-reset-confirm",
    ),
    path("your-sign-in/email/", reset.YourEmailView.as_view(), name="your-email"),
    path("people/<int:pk>/email/", reset.PersonEmailView.as_view(), name="person-email"),
    path("language/", preferences.choose_language, name="choose-language"),
    path("people/", lists.PersonListView.as_view(), name="person-list"),
    path("people/deactivate/", lists.PeopleDeactivateView.as_view(), name="person-bulk-deactivate"),
    path("people/add/", administration.PersonCreateView.as_view(), name="person-create"),
    path("people/roles/", administration.RoleListView.as_view(), name="role-list"),
    path(
        "people/service-accounts/",
        accounts.ServiceAccountListView.as_view(),
        name="service-account-list",
    ),
    path(
        "people/service-accounts/add/",
        accounts.ServiceAccountCreateView.as_view(),
        name="service-account-create",
    ),
    path(
        "people/service-accounts/<int:pk>/",
        accounts.ServiceAccountDetailView.as_view(),
        name="service-account-detail",
    ),
    path("teams/", TeamListView.as_view(), name="team-list"),
    path("teams/add/", teams.TeamCreateView.as_view(), name="team-create"),
    path("teams/<uuid:pk>/", teams.TeamDetailView.as_view(), name="team-detail"),
    path("teams/<uuid:pk>/delete/", teams.TeamDeleteView.as_view(), name="team-delete"),
    path("people/<int:pk>/team/", teams.PersonTeamView.as_view(), name="person-team"),
    path("people/<int:pk>/view-as/", ViewAsView.as_view(), name="person-view-as"),
    path("view-as/end/", ViewAsEndView.as_view(), name="view-as-end"),
    path(
        "people/service-accounts/<int:pk>/delete/",
        accounts.ServiceAccountDeleteView.as_view(),
        name="service-account-delete",
    ),
    path("people/<int:pk>/", administration.PersonDetailView.as_view(), name="person-detail"),
    path(
        "people/<int:pk>/password/",
        administration.PersonPasswordView.as_view(),
        name="person-password",
    ),
    path(
        "people/<int:pk>/providers/",
        provider_links.PersonProvidersView.as_view(),
        name="person-providers",
    ),
    path(
        "people/<int:pk>/second-factor/",
        administration.PersonSecondFactorView.as_view(),
        name="person-second-factor",
    ),
    path(
        "people/<int:pk>/active/", administration.PersonActiveView.as_view(), name="person-active"
    ),
]
