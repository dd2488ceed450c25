"""Pages of work that takes longer than a request: how far it is, cancel it, let its note go."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import services
from .base import Page


class TaskView(Page):
    """One's own task. The page asks again and again while it runs."""

    template_name, fragment_name = "connections/task.html", "elements/task.html"
    title = gettext_lazy("Progress")
    permission_required = ()

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        task = services.task_of(pk, actor=request.user)
        if task is None and not (request.htmx and "waits" in request.GET):  # type: ignore[attr-defined]
            raise Http404(_("There is no such work any more."))
        where = {"in_list": "list" in request.GET, "is_awaited": "waits" in request.GET}
        return self.render_to_response(self.get_context_data(pk=pk, task=task, **where))

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        is_part = request.htmx  # type: ignore[attr-defined]
        if request.POST.get("action") == "cancel":
            services.cancel_task(pk, actor=request.user)
            return self.get(request, pk) if is_part else self.redirect("task", pk)
        task = services.task_of(pk, actor=request.user)
        services.drop_task(pk, actor=request.user)
        if is_part:
            return HttpResponse()
        return self.redirect((task and task.back) or "connection-list")
