"""Tags for what is done with several rows, and for work that takes longer than a request."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django import template
from django.utils.translation import gettext as _

from ..models import Task
from ..services import TestSummary, bulk_test_summary, tasks_of

register = template.Library()


@register.simple_tag(takes_context=True)
def my_tasks(context: Any) -> list[Task]:
    """The work of whoever looks that runs or has just ended, three at most."""
    return list(tasks_of(context["request"].user)[:3])


@register.filter
def ended_in_words(task: Task) -> str:
    """How an import or an export ended."""
    values = {"done": f"{task.done:,}", "total": f"{task.total:,}"}
    if task.kind == Task.Kind.EXPORT:
        is_made = task.done >= task.total and not task.is_cancelled
        return _("The file is made: %(total)s rows.") % values if is_made else _("No file is made.")
    if task.done >= task.total:
        return _("All %(total)s rows are imported.") % values
    if task.said:
        return _(task.said)
    text = _("%(done)s of %(total)s rows are imported. Import the package again for the rest.")
    return text % values


@register.filter
def summary(task: Task) -> TestSummary:
    """The outcome of a bulk test so far."""
    return bulk_test_summary(task)


@register.simple_tag(takes_context=True)
def ticking_failed(context: Any, task: Task, in_list: bool) -> str:
    """The address of the list with those ticked that do not work: as it is shown now, or as it was
    when the test began.
    """
    request = context["request"]
    here = request.htmx.current_url_abs_path if request.htmx else request.get_full_path()
    found = urlsplit(here if in_list and here else task.back)
    query = {**dict(parse_qsl(found.query)), "tick": str(task.pk)}
    return found._replace(query=urlencode(query)).geturl()
