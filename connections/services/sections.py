"""Sections of references that belong to teams: who may name them, and what a change takes away."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..audit.services import Subject, act, record
from ..change_counter import bump_change_counter
from ..errors import FieldError, Invalid
from ..health.services import reference_index
from ..kept import settings_alone
from ..locks import retried
from ..models import Connection, SectionTeam, Team, by_name
from ..references import ENV_SECTION, LONGEST, SEGMENT, references_in, section_of
from ..section_teams import hidden_sections, limited_sections
from ..standing import MANAGES
from .permissions import Actor, require
from .teams import teams_of


@dataclass(frozen=True)
class LimitedSection:
    """A section that belongs to teams. `owners`: their ids; `teams`: those that the actor may see,
    by name.
    """

    name: str
    owners: frozenset[UUID]
    teams: Sequence[Team]

    @property
    def others(self) -> int:
        """The number of its teams that the actor may not see."""
        return len(self.owners) - len(self.teams)

    def __str__(self) -> str:
        """Its teams in words: `Red`, `Red and 2 others`."""
        names = ", ".join(team.name for team in self.teams)
        if not self.others:
            return names
        text = ngettext(
            "%(names)s and %(number)d other", "%(names)s and %(number)d others", self.others
        )
        return text % {"names": names, "number": self.others}

    @cached_property
    def denied(self) -> list[Connection]:
        """The connections that name it and may not use it, by name, as far as whoever looks may see
        them.
        """
        index = reference_index()
        pks = {
            pk
            for (_provider, _setting, reference), users in index.users.items()
            if section_of(reference) == self.name
            for pk in users
            if index.teams.get(pk) not in self.owners
        }
        return list(Connection.objects.listed().filter(pk__in=pks).order_by(*by_name()))


def limited_section_list(actor: Actor) -> list[LimitedSection]:
    """The sections of teams that the actor is told of: all for whoever sees all, else those of
    their own teams. By name.
    """
    hidden, known = hidden_sections(), {one.pk: one for one in teams_of(actor)}
    return [
        LimitedSection(name, teams, _by_name(known[pk] for pk in teams & known.keys()))
        for name, teams in sorted(limited_sections().items())
        if name not in hidden
    ]


def _by_name(teams: Iterable[Team]) -> list[Team]:
    return sorted(teams, key=lambda one: one.name.lower())


def section_named(text: str) -> str:
    """The name of a section as it is kept: `$OpenAI:ApiKey` and `OpenAI` are `openai`, a variable
    is `env:name`. Raises Invalid.
    """
    parts = text.strip().removeprefix("$").lower().split(":")
    is_variable = parts[0] == ENV_SECTION
    name = ":".join(parts[: 2 if is_variable else 1])
    is_whole = not is_variable or len(parts) == 2
    if not is_whole or not all(map(SEGMENT.fullmatch, parts)) or len(name) > LONGEST:
        message = _("Name a section, such as OpenAI, or a variable, such as Env:NAME.")
        raise Invalid([FieldError("section", "invalid", message)])
    return name


@retried
@act("section.update")
def limit_section(
    text: str, teams: Collection[Team], *, actor: Actor, is_dry: bool = False
) -> LimitedSection:
    """Says that a section, or a variable, belongs to these teams alone, one or several. `is_dry`:
    changes nothing, to see what would be denied.

    Raises Invalid, PermissionDenied for whoever does not manage all teams.
    """
    require(actor, MANAGES, on=Team())
    name, wanted = section_named(text), {one.pk: one for one in teams}
    if not wanted:
        raise Invalid([FieldError("teams", "required", _("Choose a team."))])
    limited = LimitedSection(name, frozenset(wanted), _by_name(wanted.values()))
    if is_dry:
        return limited
    with transaction.atomic():
        rows = SectionTeam.objects.filter(section=name)
        before = _names_of(rows)
        rows.exclude(team__in=wanted).delete()
        SectionTeam.objects.bulk_create(
            [SectionTeam(section=name, team=one) for one in wanted.values()], ignore_conflicts=True
        )
        bump_change_counter()
        if before != (after := _names_of(rows)):
            record(Subject("section", name=name), actor=actor, changes=[("teams", before, after)])
    return limited


def _names_of(rows: QuerySet[SectionTeam]) -> str:
    return ", ".join(rows.all().order_by("team__name").values_list("team__name", flat=True))


@retried
@act("section.update")
def open_section(text: str, *, actor: Actor) -> bool:
    """Gives a section to all again; False if it belongs to no team.

    Raises Invalid, PermissionDenied for whoever does not manage all teams.
    """
    require(actor, MANAGES, on=Team())
    with transaction.atomic():
        name = section_named(text)
        rows = SectionTeam.objects.filter(section=name)
        before = _names_of(rows)
        number, _by_kind = rows.delete()
        if number:
            record(Subject("section", name=name), actor=actor, changes=[("teams", before, "")])
        bump_change_counter()
    return number > 0


def denied_sections(rows: Iterable[Connection]) -> dict[UUID, set[str]]:
    """The sections that connections name and may not use, by the team that they have now. One
    query.
    """
    limited = limited_sections()
    return {
        row.pk: {
            section
            for *_place, reference in references_in(settings_alone(row.settings))
            if (section := section_of(reference)) in limited and row.team_id not in limited[section]
        }
        for row in rows
    }


def lost_sections(rows: Collection[Connection], denied_before: Mapping[UUID, set[str]]) -> str:
    """The reason why a change of these connections, or of sections, is refused: one of them may not
    use a section any more. Empty where none loses one. `denied_before`: what `denied_sections` gave
    before the change.
    """
    denied = denied_sections(rows)
    for row in rows:
        if lost := denied[row.pk] - denied_before[row.pk]:
            text = _(
                "The section %(sections)s belongs to teams, and %(name)s would be of none of them. "
                "Change its settings first, or ask whoever manages all teams."
            )
            return text % {"name": row.name, "sections": ", ".join(sorted(lost))}
    return ""


def refuse_lost_sections(
    rows: Collection[Connection], denied_before: Mapping[UUID, set[str]]
) -> None:
    """Raises Invalid, so that the change is rolled back, for what `lost_sections` says."""
    if lost := lost_sections(rows, denied_before):
        raise Invalid([FieldError("team", "denied_reference", lost)])


def hand_sections_over(team: Team, heir: Team | None) -> None:
    """Gives the sections of a team to its heir; None takes them from the team, and one that belongs
    to no other team is for all.
    """
    rows = SectionTeam.objects.filter(team=team)
    if heir is not None:
        there = SectionTeam.objects.filter(team=heir).values("section")
        rows.exclude(section__in=there).update(team=heir)
    rows.all().delete()


def sections_opened_by(team: Team) -> list[str]:
    """The sections that would be for all if the team ended and left what it has to all."""
    return sorted(name for name, teams in limited_sections().items() if teams == {team.pk})
