"""`manage.py notices`."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from connections.models import Connection
from gateway.models import NoticeDelivery
from gateway.notices import services
from tests.httpserver import Answer, HttpServer

from ..attention.test_attention import fail
from .targets import SECRET_PATH, target

pytestmark = pytest.mark.django_db(transaction=True)  # messages are sent by threads


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("notices", *arguments, stdout=out)
    return out.getvalue()


def test_targets_are_listed_with_what_waits_and_without_their_address(row: Connection):
    target()
    fail(row)
    services.look(100.0)
    said = run("list")
    assert "Hook  http://127.0.0.1/***  was never sent a message  1\n" in said
    assert (
        json.loads(run("list", "--output", "json"))[0]["waiting"] == 1 and SECRET_PATH not in said
    )


def test_a_test_says_how_it_went():
    with HttpServer() as server:
        target(url=f"{server.url}/")
        assert run("test", "Hook") == "The message was taken.\n" and len(server.requests) == 1
        server.default = Answer(500)
        with pytest.raises(CommandError, match="500"):
            run("test", "Hook")
    with pytest.raises(CommandError, match="no target"):
        run("test", "Nobody")


def test_what_waits_long_is_tried_at_once_and_what_is_being_sent_is_left(row: Connection):
    with HttpServer() as server:
        target(url=f"{server.url}/")
        fail(row)
        services.look(0.0)
        NoticeDelivery.objects.update(due=60.0, attempts=1)
        with pytest.raises(CommandError, match="0 messages tried, 1 still wait"):
            run("retry")
        NoticeDelivery.objects.update(due=1800.0, attempts=3)
        assert run("retry", "Hook") == "1 message tried, 0 still waiting.\n"
        assert len(server.requests) == 1
