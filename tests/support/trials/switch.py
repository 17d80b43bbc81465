"""A TCP proxy that forwards to one server at a time, like a virtual address."""

import select
import socket
import socketserver
import threading
from contextlib import suppress
from typing import Any, Self

BUFFER_BYTES = 65_536


class Switch(socketserver.ThreadingTCPServer):
    """Forwards connections to `target_port` of this machine, which may change; as a context
    manager it runs in a thread."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, target_port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Forwarder)
        self.target_port = target_port
        self.port = self.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Forwarder(socketserver.BaseRequestHandler):
    server: Switch

    def handle(self) -> None:
        # Either side may be reset at any time, which ends both.
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", self.server.target_port)) as target,
        ):
            client: Any = self.request
            peers = {client: target, target: client}
            for end in peers:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                for end in select.select([*peers], [], [])[0]:
                    data = end.recv(BUFFER_BYTES)
                    if not data:
                        return
                    peers[end].sendall(data)
