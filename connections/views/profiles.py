"""Pages of profiles: list, form with models fetched from the provider, delete, switch."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from providers.core.base import Capability
from providers.core.errors import ProviderError

from .. import listing, selectors, services
from ..former_aliases import former_aliases_of
from ..forms import ProfileForm, team_choices
from ..health.services import LABELS, with_profile_health
from ..list_columns import PROFILE_COLUMNS
from ..list_rows import profile_lines
from ..lookup import get_by_id_or_alias, get_by_name
from ..models import Connection, Profile
from ..profile_fields import GROUPS
from ..standing import perms_on
from ..unseen import hide_unseen
from ..wording import outcome_in_words
from .base import Crumb, Page, as_the_original, is_fresh_copy, tell_done
from .details import team_context
from .inline_add import PicksConnections
from .lists import TestedListPage, labels_of
from .typed import typed_before

LIST: Crumb = (gettext_lazy("Profiles"), "/profiles/")


class ProfilePage(Page):
    """A page about profiles."""

    section = "profiles"

    def get_breadcrumbs(self) -> list[Crumb]:
        return [LIST]


class ProfileListView(ProfilePage, TestedListPage):
    """Profiles, filtered, sorted, a page at a time."""

    template_name = "connections/profiles/list.html"
    fragment_name = "connections/profiles/_rows.html"
    title = gettext_lazy("Profiles")
    permission_required = "connections.view_profile"
    list_name = "profile"
    filters = labels_of("q", "capability", "connection", "status", "health", "tag", "team")
    columns = PROFILE_COLUMNS

    def get_breadcrumbs(self) -> list[Crumb]:
        return []

    def rows(self, filters: dict[str, str], sort: str) -> QuerySet[Profile]:
        return listing.profiles(filters, sort)

    @staticmethod
    def with_beside(rows: QuerySet[Profile]) -> QuerySet[Profile]:
        return with_profile_health(rows)

    lines = staticmethod(profile_lines)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        choices = {"capabilities": list(Capability), "states": LABELS.items()}
        return super().get_context_data(**choices, **kwargs)


class ProfileFormPage(ProfilePage, PicksConnections):
    """The page with the form of a profile, which is new or saved: Save, Fetch models.

    A subclass says `capability` and `save_form`.
    """

    template_name = "connections/profiles/form.html"
    fragment_name = "connections/profiles/_form.html"
    shows_typed = True

    @property
    def capability(self) -> Capability:
        """The capability of the profile; 404 if there is none of that name."""
        raise NotImplementedError

    @property
    def row(self) -> Profile | None:
        """The saved profile, None while adding."""
        return None

    def save_form(self, form: ProfileForm) -> services.Saved:
        """Saves a valid form. Raises what the services raise: Invalid, Stale."""
        raise NotImplementedError

    def form(self, **kwargs: Any) -> ProfileForm:
        """The form, bound when given `data`."""
        others = selectors.fallback_choices(self.capability, self.row)
        return ProfileForm(
            self.capability,
            list(selectors.connection_choices(self.capability)),
            others,
            self.row,
            [] if self.row else team_choices("profile", self.request.user),
            **kwargs,
        )

    def show(self, form: ProfileForm, **context: Any) -> HttpResponse:
        """The form, as page or fragment."""
        shown = {
            "form": form,
            "capability": self.capability,
            "row": self.row,
            "is_copy": is_fresh_copy(self.request, self.row),
            "found": self._found(form),
            **context,
        }
        return self.render_to_response(self.get_context_data(**shown))

    def _found(self, form: ProfileForm) -> selectors.FoundConnections | None:
        """The connections to suggest at a text; None where all of them are in a list."""
        if not form.types_connection:
            return None
        text = str(form["connection"].value() or "")
        return selectors.find_connections(self.capability.value, text)

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        return self.show(self.form(initial=self._initial()))

    def _initial(self) -> dict[str, Any]:
        """The entries of a draft, with the added connection chosen, else those that the address
        gives.
        """
        if typed := typed_before(self.request):
            return self.form(data=typed).typed()
        draft = self.draft()
        if draft:
            entries = self.form(data=draft.posted()).typed()
            return entries | ({"connection": draft.chosen} if draft.chosen else {})
        initial = as_the_original(self.request, self.row)
        if "connection" in self.request.GET:
            given = self.request.GET["connection"]
            chosen = get_by_id_or_alias(Connection.objects.listed(), given)
            initial["connection"] = chosen.alias if chosen else given
            if chosen is not None:
                initial |= {
                    "name": chosen.name,
                    "model": selectors.example_model(chosen, self.capability),
                }
        return initial

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        if request.POST.get("action") == "fetch-models":
            return self._fetch_models()
        if "choose-model" in request.POST or request.POST.get("action") == "look":
            chosen = request.POST.get("choose-model") or self.posted("model")
            return self.show(self._unjudged(model=chosen))
        if "move" in request.POST:
            form = self._unjudged()
            form.move(request.POST["move"])
            return self.show(form)
        form = self.form(data=request.POST)
        if form.is_valid():
            try:
                saved = self.save_form(form)
                nothing = _("Nothing was changed in %(name)s.")
                said = _("%(name)s is saved.") if saved.changed else nothing
                tell_done(request, said % {"name": saved.row.name}, saved.step)
                return self.redirect(saved.row)
            except services.Invalid as refused:
                form.add_refusal(refused)
            except services.Stale as stale:
                form.add_stale(stale)
        return self.show(form)

    def _unjudged(self, **entries: str) -> ProfileForm:
        """A form with what was posted and these `entries`, none of which is judged yet."""
        return self.form(initial=self.form(data=self.request.POST).typed() | entries)

    def _fetch_models(self) -> HttpResponse:
        """The form again, with the models of the chosen connection."""
        form = self._unjudged()
        connection = get_by_name(Connection.objects.all(), self.posted("connection"))
        if connection is None:
            return self.show(form, models_error=_("Choose a connection first."))
        try:
            models = services.list_models(connection, actor=self.request.user)
        except (services.Unusable, services.Throttled, ProviderError) as error:
            said = outcome_in_words(getattr(error, "code", ""), str(error))
            return self.show(form, models_error=said)
        fitting = [  # not every service says what its models can do
            model
            for model in models
            if not model.capabilities or self.capability in model.capabilities
        ]
        return self.show(form, models=fitting, fetched=True)


class ProfileCreateView(ProfileFormPage):
    """Adds a profile for the capability in the address."""

    permission_required = "connections.add_profile"

    @property
    def capability(self) -> Capability:
        try:
            return next(one for one in Capability if one.value.lower() == self.kwargs["capability"])
        except StopIteration:
            raise Http404(_("There is no such capability.")) from None

    def get_title(self) -> str:
        is_chat = self.capability is Capability.CHAT
        return _("Add a profile for chat") if is_chat else _("Add a profile for embedding")

    def save_form(self, form: ProfileForm) -> services.Saved:
        chosen = {name: form.cleaned_data[name] for name in ("connection", "fallbacks")}
        return services.create_profile(
            actor=self.request.user,
            capability=self.capability.value,
            settings=form.settings(),
            team=services.team_for_new("profile", form.team(), actor=self.request.user),
            **chosen,
            **form.columns(),
        )


class OneProfile(ProfilePage):
    """A page about one saved profile."""

    @property
    def profile(self) -> Profile:
        """The profile in the address; 404 if there is none."""
        if not hasattr(self, "_profile"):
            rows = Profile.objects.select_related("connection").defer("connection__credentials")
            self._profile = get_object_or_404(rows, pk=self.kwargs["pk"])
            self.require_on(self._profile)
            hide_unseen([self._profile])
        return self._profile

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {"profile": self.profile, "perms": perms_on(self.request.user, self.profile)}
        return super().get_context_data(**context | kwargs)


class ProfileDetailView(OneProfile):
    """Everything about one profile."""

    template_name = "connections/profiles/detail.html"
    permission_required = "connections.view_profile"

    def get_title(self) -> str:
        return self.profile.name

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        shown = {
            f"{group.lower()}_shown": selectors.shown_profile_settings(self.profile, group)
            for group in GROUPS
        }
        chain = selectors.fallback_chain(self.profile)
        context = {
            "versions": services.versions(self.profile),
            "chain": chain,
            "targets": [self.profile, *chain],
            "former_aliases": former_aliases_of(self.profile),
        }
        context |= team_context(self.profile, self.request.user)
        return self.render_to_response(self.get_context_data(**context, **shown))


class ProfileUpdateView(ProfileFormPage, OneProfile):
    """Edits a saved profile."""

    permission_required = "connections.change_profile"

    @property
    def capability(self) -> Capability:
        return Capability(self.profile.capability)

    @property
    def row(self) -> Profile:
        return self.profile

    def get_title(self) -> str:
        return _("Edit %(name)s") % {"name": self.profile.name}

    def get_breadcrumbs(self) -> list[Crumb]:
        return [LIST, (self.profile.name, self.profile.get_absolute_url())]

    def save_form(self, form: ProfileForm) -> services.Saved:
        return services.update_profile(
            self.profile,
            actor=self.request.user,
            expected_version=form.cleaned_data["version"],
            settings=form.settings(),
            connection=form.cleaned_data["connection"],
            fallbacks=form.cleaned_data["fallbacks"],
            **form.columns(),
        )
