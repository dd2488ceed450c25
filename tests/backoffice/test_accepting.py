"""Workers that take connections from one queue."""

import asyncio
import errno
import socket
from collections.abc import Iterator

import pytest

from backoffice.accepting import Listener

CLIENTS = 16


class Taken(asyncio.Protocol):
    """A connection that was taken by a worker, which is a list here."""

    def __init__(self, worker: list["Taken"]) -> None:
        self.worker = worker

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.worker.append(self)


@pytest.fixture
def queue() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=CLIENTS) as listening:
        yield listening


def connect(listening: socket.socket) -> list[socket.socket]:
    """All clients, which the queue has before anybody looks into it."""
    return [socket.create_connection(listening.getsockname()) for _ in range(CLIENTS)]


def listener(listening: socket.socket, worker: list[Taken]) -> Listener:
    return Listener(lambda: Taken(worker), listening, None, 1, lambda: len(worker))


async def until_taken(*workers: list[Taken]) -> None:
    async with asyncio.timeout(5):
        while sum(map(len, workers)) < CLIENTS:
            await asyncio.sleep(0.001)


def close(clients: list[socket.socket], *workers: list[Taken]) -> None:
    for client in clients:
        client.close()
    for worker in workers:
        for one in worker:
            one.transport.close()


def test_of_many_clients_at_once_no_worker_takes_most(queue: socket.socket) -> None:
    async def take() -> tuple[int, int]:
        first: list[Taken] = []
        second: list[Taken] = []
        clients = connect(queue)
        listeners = [listener(queue, first), listener(queue.dup(), second)]
        await until_taken(first, second)
        for one in listeners:
            one.close()
            one.listening.close()
        close(clients, first, second)
        return len(first), len(second)

    first, second = asyncio.run(take())
    assert min(first, second) >= CLIENTS // 4, (first, second)


def test_a_worker_alone_takes_all(queue: socket.socket) -> None:
    async def take() -> None:
        worker: list[Taken] = []
        clients = connect(queue)
        mine = listener(queue, worker)
        await until_taken(worker)
        mine.close()
        close(clients, worker)

    asyncio.run(take())


def test_a_worker_that_listens_no_more_leaves_the_queue_to_others(queue: socket.socket) -> None:
    async def take() -> int:
        worker: list[Taken] = []
        listener(queue.dup(), worker).close()
        clients = connect(queue)
        await asyncio.sleep(0.05)
        other: list[Taken] = []
        mine = listener(queue, other)
        await until_taken(other)
        mine.close()
        close(clients, other)
        return len(worker)

    assert asyncio.run(take()) == 0


def test_without_descriptors_it_rests_and_then_goes_on(
    queue: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backoffice.accepting.NO_ROOM_REST", 0.05)

    class Full(socket.socket):
        left = 1

        def accept(self) -> tuple[socket.socket, object]:
            if self.left:
                self.left -= 1
                raise OSError(errno.EMFILE, "Too many open files")
            return super().accept()

    async def take() -> None:
        worker: list[Taken] = []
        full = Full(fileno=queue.dup().detach())
        clients = connect(queue)
        mine = listener(full, worker)
        await until_taken(worker)
        mine.close()
        full.close()
        close(clients, worker)

    asyncio.run(take())


def test_who_waits_when_it_closes_is_taken_and_then_the_port_is_closed(
    queue: socket.socket,
) -> None:
    async def take() -> None:
        worker: list[Taken] = []
        address, clients = queue.getsockname(), connect(queue)
        listener(queue, worker).close()
        await until_taken(worker)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
        close(clients, worker)

    asyncio.run(take())
