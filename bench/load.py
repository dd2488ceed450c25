"""Many clients that keep their connections, in one thread of one process: it must never be what is
measured.

`run(job)` starts the process and returns what it found. A thread and a selector, not asyncio: half
the CPU per request.
"""

import json
import re
import selectors
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
GRACE = 30  # seconds that an answer may take beyond the end of the measurement


@dataclass(frozen=True)
class Job:
    """The request to send. Each client sends it again and again for `seconds`, or once when that is
    0.
    """

    port: int
    request: str
    clients: int = 1
    seconds: float = 3
    pause: float = 0  # seconds of rest after each answer; for one client


@dataclass
class Found:
    """Times are milliseconds.

    `first` is the time to the first event of a stream, `busy` the share of a CPU the clients took.
    """

    count: int = 0
    rate: float = 0
    p50: float = 0
    p99: float = 0
    most: float = 0
    first: float = 0
    first_most: float = 0
    busy: float = 0
    errors: int = 0
    error: str = ""


@dataclass
class KeptConnection:
    """One kept connection and the answer that is under way on it."""

    job: Job
    buffer: bytes = b""
    end: int = 0  # where the answer ends in the buffer; -1: with the last chunk; 0: not known yet
    began: float = 0
    first: float = 0
    connection: socket.socket = field(init=False)

    def connect(self) -> None:
        """Opens the connection."""
        self.connection = socket.create_connection(("127.0.0.1", self.job.port), 10)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.setblocking(False)

    def ask(self) -> None:
        """Sends the request. It is small, so that the socket takes all of it."""
        self.buffer, self.end, self.first, self.began = b"", 0, 0, time.perf_counter()
        self.connection.send(self.job.request.encode())

    def receive(self) -> bool:
        """Takes what has come; True when the answer is whole.

        Raises ConnectionError when it ends too early.
        """
        data = self.connection.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection in the middle of an answer")
        self.buffer = self.buffer + data if self.buffer else data
        if not self.end and not self.read_head():
            return False
        if self.end > 0:
            return len(self.buffer) >= self.end
        if not self.first and b"data:" in self.buffer:
            self.first = time.perf_counter() - self.began
        return self.buffer.endswith(b"\r\n0\r\n\r\n")

    def read_head(self) -> bool:
        """True if the head has come; notes then how the end of the answer is recognised."""
        head = self.buffer.find(b"\r\n\r\n")
        if head >= 0:
            length = LENGTH.search(self.buffer, 0, head)
            self.end = head + 4 + int(length[1]) if length else -1
        return head >= 0

    @property
    def good(self) -> bool:
        """A 200, and a stream that said that it was done."""
        return self.buffer.startswith(b"HTTP/1.1 200") and (
            b"text/event-stream" not in self.buffer or b"data: [DONE]" in self.buffer
        )


@dataclass
class Load:
    """One measurement."""

    job: Job
    times: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def measure(self) -> Found:
        """Asks until the time is up and the last answer is there."""
        for _ in range(self.job.clients):
            client = KeptConnection(self.job)
            client.connect()
            self.selector.register(client.connection, selectors.EVENT_READ, client)
        started, used = time.perf_counter(), time.process_time()
        self.until, last = started + self.job.seconds, started + self.job.seconds + GRACE
        for key in list(self.selector.get_map().values()):
            key.data.ask()
        while self.selector.get_map() and time.perf_counter() < last:
            for key, _ in self.selector.select(1):
                self.step(key.data)
        self.errors += [f"no whole answer within {GRACE} s"] * len(self.selector.get_map())
        taken = time.perf_counter() - started
        return self.found(taken, (time.process_time() - used) / taken)

    def step(self, client: KeptConnection) -> None:
        """Takes what has come for one client, and lets it ask again."""
        try:
            if client.receive():
                self.note(client)
                self.again(client)
        except OSError as error:
            self.errors.append(str(error))
            self.selector.unregister(client.connection)
            client.connection.close()

    def note(self, client: KeptConnection) -> None:
        """Notes one answer."""
        now = time.perf_counter()
        if not client.good:
            self.errors.append(client.buffer[:300].decode(errors="replace"))
            return
        self.times.append(now - client.began)
        if client.first:
            self.firsts.append(client.first)

    def again(self, client: KeptConnection) -> None:
        """The next request, or the end."""
        if self.job.pause:
            time.sleep(self.job.pause)
        if time.perf_counter() < self.until:
            client.ask()
        else:
            self.selector.unregister(client.connection)
            client.connection.close()

    def found(self, taken: float, busy: float) -> Found:
        """The figures of the measurement."""
        found = Found(
            count=len(self.times), rate=len(self.times) / taken, busy=busy, errors=len(self.errors)
        )
        found.error = self.errors[0] if self.errors else ""
        if times := sorted(one * 1000 for one in self.times):
            found.p50, found.p99, found.most = (
                statistics.median(times),
                times[int(len(times) * 0.99)],
                times[-1],
            )
        if self.firsts:
            found.first, found.first_most = (
                statistics.median(self.firsts) * 1000,
                max(self.firsts) * 1000,
            )
        return found


def body(stream: bool, model: str) -> str:
    """A small chat."""
    messages = [
        {"role": "system", "content": "You are brief."},
        {"role": "user", "content": "Say twenty words."},
    ]
    return json.dumps(
        {"model": model, "messages": messages, "temperature": 0.5}
        | ({"stream": True} if stream else {})
    )


def chat(token: str, stream: bool, model: str = "bench") -> str:
    """A request for a chat completion."""
    text = body(stream, model)
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
        f"{token}\r\n"
    )
    return (
        f"{head}Content-Type: application/json\r\nAccept: */*\r\nContent-Length: "
        f"{len(text)}\r\n\r\n{text}"
    )


def page(path: str) -> str:
    """A request for a page."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n"


def start(job: Job) -> subprocess.Popen[str]:
    """Starts a measurement in a process of its own; `finish` waits for it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.load"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.stdin.write(json.dumps(asdict(job)))  # type: ignore[union-attr]
    process.stdin.close()  # type: ignore[union-attr]
    return process


def finish(process: subprocess.Popen[str]) -> Found:
    """The result of the measurement.

    Raises RuntimeError when it broke; its traceback is on the terminal.
    """
    with process:
        answer = process.stdout.read()  # type: ignore[union-attr]
    if process.returncode:
        raise RuntimeError("the load generator stopped")
    return Found(**json.loads(answer))


def run(job: Job) -> Found:
    """Measures in a process of its own and waits for it."""
    return finish(start(job))


if __name__ == "__main__":
    print(json.dumps(asdict(Load(Job(**json.load(sys.stdin))).measure())))
