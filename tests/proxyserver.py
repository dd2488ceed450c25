"""An outbound proxy for tests: it opens tunnels and hands requests on, all to one server.

with HttpServer(tls=service_context()) as server, ProxyServer(server) as proxy:
    ...  # proxy.url, proxy.heads[0].line
"""

import base64
import socket
import ssl
import threading
from contextlib import suppress
from typing import Self

from .httpserver import HttpServer, RawRequest

OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"


class ProxyServer:
    """A proxy on 127.0.0.1, whose every host is `server`.

    `login`: `user:password`, which it wants; `says`: these bytes instead of a tunnel, none for
    nothing at all; `tls`: for a proxy of https.
    """

    def __init__(
        self,
        server: HttpServer | None = None,
        *,
        login: str = "",
        says: bytes | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.server, self.login, self.says, self.tls = server, login, says, tls
        self.heads: list[RawRequest] = []

    def __enter__(self) -> Self:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._door.getsockname()[1]}"
        self.url = f"{'https' if self.tls else 'http'}://{self.host}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    @property
    def lines(self) -> list[str]:
        """The first lines of the requests that it got."""
        return [one.line for one in self.heads]

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller = self._door.accept()[0]
                threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        with (
            suppress(OSError),
            self.tls.wrap_socket(caller, server_side=True) if self.tls else caller as stream,
        ):
            data = b""
            while b"\r\n\r\n" not in data:
                if not (more := stream.recv(65536)):
                    return
                data += more
            head, _, rest = data.partition(b"\r\n\r\n")
            self.heads.append(RawRequest(head))
            wanted = f"Basic {base64.b64encode(self.login.encode()).decode()}"
            if self.login and self.heads[-1].values("proxy-authorization") != [wanted]:
                stream.sendall(b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n")
            elif self.says is not None:
                stream.sendall(self.says)
                stream.recv(1)  # until the other side hangs up
            elif self.server is not None:
                self._hand_on(stream, head, rest)

    def _hand_on(self, stream: socket.socket, head: bytes, rest: bytes) -> None:
        assert self.server is not None
        name, port = self.server.host.split(":")
        with socket.create_connection((name, int(port))) as behind:
            if head.startswith(b"CONNECT "):
                stream.sendall(OPEN)
                behind.sendall(rest)
            else:
                behind.sendall(_of_origin(head) + b"\r\n\r\n" + rest)
            back = threading.Thread(target=_pump, args=(behind, stream), daemon=True)
            back.start()
            _pump(stream, behind)
            back.join(5)


def _of_origin(head: bytes) -> bytes:
    """The head of a request as a proxy hands it on."""
    first, *others = head.split(b"\r\n")
    method, target, version = first.split(b" ")
    path = b"/" + target.split(b"/", 3)[3]
    kept = [line for line in others if not line.lower().startswith(b"proxy-")]
    return b"\r\n".join([b" ".join([method, path, version]), *kept])


def _pump(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
