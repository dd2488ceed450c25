"""The words of a refusal, for every right that there is."""

import re

import pytest
from django.contrib.auth.models import Group, Permission
from django.utils import translation

from connections import services
from connections.services.acts import act_of
from tests.people import person

pytestmark = pytest.mark.django_db


def rights(**of: object) -> dict[str, Permission]:
    """Rights by their names, with what Django knows of them."""
    rows = Permission.objects.filter(**of).select_related("content_type").distinct()
    return {f"{one.content_type.app_label}.{one.codename}": one for one in rows}


def test_every_right_has_plain_words():
    found = rights()
    for right, row in found.items():
        act, model = act_of(right), row.content_type.model_class()
        assert model is not None and not re.search(r"[_%]|\ba [aeio]|\ban [^aeioA]", act), act
        squashed = model._meta.model_name
        if squashed != str(model._meta.verbose_name):
            assert squashed not in act, act
    assert len(found) > 100


def test_what_a_role_may_is_said_in_german_too():
    for right in rights(group__in=Group.objects.all()):
        english = act_of(right)
        with translation.override("de"):
            assert act_of(right) != english, right


@pytest.mark.parametrize(
    ("right", "act"),
    [
        ("connections.add_apitoken", "add an API token"),
        ("connections.manage_teams", "manage teams"),
        ("connections.change_alias", "change an alias or take a former one away"),
        ("gateway.view_noticetarget", "see a target of notices"),
    ],
)
def test_a_refusal_is_a_sentence(right: str, act: str):
    with pytest.raises(services.MissingRight, match=rf"^You may not {act}\. Ask an "):
        services.require(person("sten"), right)
