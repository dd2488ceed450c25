"""Work that takes longer than a request should: begun, told how far it is, cancelled, ended.

Each is its person's own. Who does the work calls `beat` again and again, and stops where that says
so; the person sees it wherever a page asks `tasks_of`.
"""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from ..models import Task
from .permissions import Actor

KEPT_FOR = timedelta(days=1)  # after the end
SHOWN_FOR = timedelta(minutes=30)  # after the end, beside the list
SILENT = timedelta(seconds=20)  # whoever does not beat for so long is gone


def begin_task(kind: str, *, actor: Actor, **columns: Any) -> Task:
    """Notes work that is about to begin, and deletes what ended long ago. `columns`: of `Task`."""
    if actor is None:
        raise ValueError("A task belongs to a person.")
    Task.objects.filter(ended_at__lte=timezone.now() - KEPT_FOR).delete()
    return Task.objects.create(kind=kind, user=actor, **columns)


def beat(task: Task, done: int, total: int) -> bool:
    """Notes how far the work is. False where it should stop: somebody cancelled it, or another
    process has taken it over.
    """
    mine = Task.objects.filter(pk=task.pk, runner=task.runner, ended_at=None)
    columns = {"done": done, "total": total, "beat_at": timezone.now()}
    if mine.filter(is_cancelled=False).update(**columns):
        return True
    mine.update(**columns)  # it has come so far before it stops
    return False


def end_task(task: Task, said: str = "") -> None:
    """Notes that the work has ended, and how; nothing where another process has taken it over."""
    mine = Task.objects.filter(pk=task.pk, runner=task.runner, ended_at=None)
    mine.update(ended_at=timezone.now(), said=said[:500])


def cancel_task(pk: uuid.UUID, *, actor: Actor) -> None:
    """Lets one's own work stop after what is just being done."""
    Task.objects.filter(pk=pk, user=actor, ended_at=None).update(is_cancelled=True)


def drop_task(pk: uuid.UUID, *, actor: Actor) -> None:
    """Deletes the note of one's own work that has ended."""
    Task.objects.filter(pk=pk, user=actor).exclude(ended_at=None).delete()


def task_of(pk: uuid.UUID, *, actor: Actor) -> Task | None:
    """One's own task of this id; None without one."""
    return Task.objects.filter(pk=pk, user=actor).first()


def tasks_of(actor: Actor) -> QuerySet[Task]:
    """One's own tasks that run or have just ended, the newest first. The end of an export is its
    file.
    """
    just = timezone.now() - SHOWN_FOR
    shown = Q(ended_at=None) | Q(ended_at__gt=just) & ~Q(kind=Task.Kind.EXPORT)
    return Task.objects.filter(shown, user=actor).order_by("-started_at")


class TaskProgress:
    """Tells as a task how far work is that a request does itself. `pk`: its page asks for the task
    of this id. Called with how many rows are through, and of how many; raises what `stopped` makes
    of both once the person has cancelled it.
    """

    def __init__(
        self, kind: str, pk: uuid.UUID, stopped: Callable[[int, int], Exception], *, actor: Actor
    ) -> None:
        self._kind, self._pk, self._stopped, self._actor = kind, pk, stopped, actor
        self._task: Task | None = None

    def __call__(self, done: int, total: int) -> None:
        if self._task is None:
            self._task = self._begin(total)
        if not beat(self._task, done, total):
            raise self._stopped(done, total)

    def _begin(self, total: int) -> Task:
        """A page may try again with its id, and cannot take that of somebody else's work."""
        Task.objects.filter(pk=self._pk, user=self._actor).delete()
        pk = uuid.uuid4() if Task.objects.filter(pk=self._pk).exists() else self._pk
        return begin_task(self._kind, actor=self._actor, id=pk, total=total)

    def end(self) -> None:
        """Notes that the work has ended, if it was told of."""
        if self._task is not None:
            end_task(self._task)


def taken_over() -> list[Task]:
    """The tasks whose process is gone, now ours. Those that cannot be gone on with are ended."""
    silent = Task.objects.filter(ended_at=None, beat_at__lte=timezone.now() - SILENT)
    found = []
    for task in silent:
        mine = uuid.uuid4()
        columns = {"runner": mine, "beat_at": timezone.now()}
        if not Task.objects.filter(pk=task.pk, runner=task.runner).update(**columns):
            continue
        task.runner = mine
        if task.kind == Task.Kind.TEST:
            found.append(task)
        else:
            end_task(
                task,
                gettext_noop("It was interrupted: its process ended. Do it again for the rest."),
            )
    return found
