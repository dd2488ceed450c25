"""What a role may do has versions, which a superuser restores."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied

from connections.history import services
from tests.people import browser, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(db: None) -> Any:
    return person("root", is_staff=True, is_superuser=True)


def test_a_change_in_the_admin_keeps_both_states_and_is_taken_back(boss: Any, administrator: Any):
    role = Group.objects.get(name="Viewers")
    before = set(role.permissions.values_list("pk", flat=True))
    right = Permission.objects.get(codename="delete_connection")
    sent = {"name": "Lookers", "permissions": [right.pk]}
    browser(boss).post(f"/admin/auth/group/{role.pk}/change/", sent)
    subject = services.find_subject("role", "Lookers", actor=administrator)
    assert subject and subject.version == 2
    found = {one.field: one.after for one in services.compare(subject, 1, 2)}
    assert found == {"name": "Lookers", "permissions": "connections.delete_connection"}
    with pytest.raises(PermissionDenied):
        services.restore(subject, 1, actor=administrator)
    services.restore(subject, 1, actor=boss)
    role.refresh_from_db()
    assert role.name == "Viewers" and {*role.permissions.values_list("pk", flat=True)} == before
    assert services.find_subject("role", "Viewers", actor=boss).version == 3
