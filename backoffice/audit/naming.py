"""The names and the pages of what events are about, where it is still there."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse

from connections.lookup import parse_id
from connections.models import ApiToken, Connection, Profile, ServiceAccount, Team

# kind -> rows that the one who looks may see, the name of their page's address
UUIDS: dict[str, tuple[Any, str]] = {
    "connection": (Connection, "connection-detail"),
    "profile": (Profile, "profile-detail"),
    "api_token": (ApiToken, "token-detail"),
}
RIGHTS = {"api_token": "connections.view_apitoken"}


def addresses(objects: Iterable[tuple[str, str]], actor: Any) -> Mapping[tuple[str, str], str]:
    """The pages of objects by kind and id: of those that are there and that this person may see."""
    found: dict[tuple[str, str], str] = {}
    wanted = set(objects)
    for kind, (model, page) in UUIDS.items():
        pks = [pk for one, text in wanted if one == kind and (pk := parse_id(text))]
        if pks and actor.has_perm(RIGHTS.get(kind, f"connections.view_{kind}")):
            for pk in model.objects.filter(pk__in=pks).values_list("pk", flat=True):
                found[kind, str(pk)] = reverse(page, args=[pk])
    people = [int(pk) for kind, pk in wanted if kind == "person" and pk.isdecimal()]
    if people and actor.has_perm("auth.view_user"):
        there = User.objects.filter(pk__in=people, service_account=None)
        for number in there.values_list("pk", flat=True):
            found["person", str(number)] = reverse("person-detail", args=[number])
    for pk in [pk for kind, text in wanted if kind == "team" and (pk := parse_id(text))]:
        if actor.has_perm("connections.manage_teams") and Team.objects.filter(pk=pk).exists():
            found["team", str(pk)] = reverse("team-detail", args=[pk])
    return found


def name_of(value: str) -> str:
    """The name of the object that a filter names by `kind:id` or id, or the value itself where
    there is none that the one who looks may see.
    """
    kind, _colon, text = value.rpartition(":")
    pk = parse_id(text)
    if pk is not None:
        models = [UUIDS[kind][0]] if kind in UUIDS else [one for one, _page in UUIDS.values()]
        for model in models:
            row = model.objects.filter(pk=pk).first()
            if row is not None:
                return getattr(row, "alias", "") or str(row)
    elif text.isdecimal() and len(text) < 10:
        person = User.objects.filter(pk=int(text)).first()
        if kind == "service_account":
            account = ServiceAccount.objects.filter(pk=int(text)).first()
            return account.name if account else value
        return person.get_username() if person and kind in ("", "person") else value
    return value
