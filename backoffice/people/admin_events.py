"""What is done with users and groups in Django's admin, as events: one for each form that is saved,
each deletion and each refusal. Django's own log stays beside them.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import unquote
from django.db import transaction
from django.http import HttpRequest

from connections.audit.services import Subject, act, kind_named, record

from .events import differing, yes_or_no

NOT_TOLD = frozenset({"id", "password", "last_login", "date_joined"})
SAVED = "saved_in_admin"  # on a request: the row


class RecordedAdmin(ModelAdmin):  # type: ignore[type-arg]
    """An admin whose acts leave events."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> Any:
        do = partial(super().changeform_view, request, object_id, form_url, extra_context)
        return self.acting(
            request, f"{self.kind}.{'update' if object_id else 'create'}", object_id, do
        )

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        do = partial(super().delete_view, request, object_id, extra_context)
        return self.acting(request, f"{self.kind}.delete", object_id, do)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        do = partial(super().delete_queryset, request, queryset)
        _carry_out(f"{self.kind}.delete", list(queryset), do, request, actor=request.user)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        setattr(request, SAVED, obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        setattr(request, SAVED, obj)
        return super().log_change(request, obj, message)

    @property
    def kind(self) -> str:
        """The kind of its rows, as events name it."""
        return kind_named(str(self.opts.model_name))

    def acting(
        self, request: HttpRequest, action: str, object_id: str | None, do: Callable[[], Any]
    ) -> Any:
        """The answer of a view of the admin. What its POST does leaves an event."""
        if request.method != "POST":
            return do()
        row = self.get_object(request, unquote(object_id)) if object_id else None
        return _carry_out(action, [row] if row else [], do, request, actor=request.user)


def _action(action: str, *_arguments: Any, **_actor: Any) -> str:
    return action


@act(_action)
def _carry_out(
    action: str, rows: Sequence[Any], do: Callable[[], Any], request: HttpRequest, *, actor: Any
) -> Any:
    """Does it, and records what became of the rows: nothing where a form was shown again."""
    subjects = {row.pk: Subject.of(row) for row in rows}
    before = _told(rows[0]) if rows else {}
    with transaction.atomic():
        answer = do()
        saved = getattr(request, SAVED, None)
        if saved is not None:
            now = _told(type(saved)._default_manager.get(pk=saved.pk))
            changes = differing(*((name, before.get(name, ""), now[name]) for name in now))
            if changes or action == "password.update":
                record(saved, actor=actor, changes=changes)
        elif rows and action.endswith(".delete"):
            left = type(rows[0])._default_manager.filter(pk__in=subjects)
            gone = [subjects[pk] for pk in subjects.keys() - set(left.values_list("pk", flat=True))]
            if gone:
                had = {name: text for name, text in before.items() if text}
                detail = had if len(rows) == 1 else {"number": len(gone)}
                record(gone[0], actor=actor, others=gone[1:], detail=detail)
    return answer


def _told(row: Any) -> dict[str, str]:
    """A user or a group as events tell it; of rows that it is connected with, their names."""
    found = {}
    for one in row._meta.concrete_fields:
        if one.name not in NOT_TOLD:
            value = getattr(row, one.attname)
            found[one.name] = yes_or_no(value) if isinstance(value, bool) else str(value)
    for many in row._meta.many_to_many:
        found[many.name] = ", ".join(sorted(map(_name, getattr(row, many.name).all())))
    return found


def _name(row: Any) -> str:
    is_right = row._meta.model_name == "permission"
    return f"{row.content_type.app_label}.{row.codename}" if is_right else str(row)
