"""The charts of usage: which numbers of a course they show, and in which order."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from connections.charts import Chart, Series, Share, bar_chart, line_chart, share_rows

from .asked import Asked
from .course import Point
from .latencies import Latencies


def requests_chart(points: Sequence[Point], height: int = 160) -> Chart:
    """Requests: those that succeeded, those whose caller hung up, and on top those that failed."""
    return bar_chart(
        [one.start for one in points],
        [
            Series("ok", _("succeeded"), [one.succeeded for one in points]),
            Series("closed", _("caller hung up"), [one.closed for one in points]),
            Series("failed", _("failed"), [one.failed for one in points]),
        ],
        height=height,
    )


def tokens_chart(points: Sequence[Point]) -> Chart:
    """Tokens: in, and on top out."""
    return bar_chart(
        [one.start for one in points],
        [
            Series("in", pgettext("tokens", "in"), [one.input_tokens for one in points]),
            Series("out", pgettext("tokens", "out"), [one.output_tokens for one in points]),
        ],
    )


def latency_chart(points: Sequence[Point], latencies: Sequence[Latencies]) -> Chart:
    """The median, and the time within which 95 of 100 requests ended."""
    return line_chart(
        [one.start for one in points],
        [
            Series("p50", "p50", [one.p50 for one in latencies]),
            Series("p95", "p95", [one.p95 for one in latencies]),
        ],
    )


def attempts_bars(asked: Sequence[Asked]) -> list[list[Share]]:
    """The attempts of each target by their outcome: not failed, failed, passed over."""
    return share_rows(
        ("ok", "failed", "closed"),
        [(one.asked - one.failed, one.failed, one.passed_over) for one in asked],
    )
