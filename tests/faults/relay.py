"""A relay before PostgreSQL that knows what the server answers, and does something at that moment.

PostgreSQL ends every command it has carried out with a message that names it (`COMMIT`,
`INSERT 0 3`, ...), however the client sent it. What a trap does happens after the server has done
it and before the client learns of it: the moment at which nobody knows.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_DONE = ord("C")


class Trap:
    """What to do when the server has told so many commands of this name done."""

    def __init__(
        self, name: str, number: int, spring: Callable[[], object], *, is_cut: bool
    ) -> None:
        self.name = name.encode()
        self._sprung = threading.Event()
        self._left = number
        self._spring = spring
        self._is_cut = is_cut
        self._lock = threading.Lock()

    def is_sprung(self) -> bool:
        """Whether it has happened."""
        return self._sprung.is_set()

    def meets(self, told: bytes) -> bool:
        """Count a command; True for the one at which the connection is cut."""
        if not told.startswith(self.name):
            return False
        with self._lock:
            self._left -= 1
            is_now = self._left == 0
        if is_now:
            self._spring()
            self._sprung.set()
        return is_now and self._is_cut


class Relay:
    """Passes connections on to the server of an address, until it is closed."""

    def __init__(self, uri: str) -> None:
        parts = conninfo_to_dict(uri)
        self._place = str(parts["host"]), int(str(parts["port"]))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._traps: list[Trap] = []
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def uri(self, uri: str) -> str:
        """The address that leads through here."""
        port = self._listening.getsockname()[1]
        return make_conninfo(uri, port=port, sslmode="disable", gssencmode="disable")

    @contextmanager
    def trap(
        self,
        name: str,
        number: int = 1,
        spring: Callable[[], object] = lambda: None,
        *,
        is_cut: bool = True,
    ) -> Iterator[Trap]:
        """At the end of so many commands of this name do something, and cut the connection."""
        trap = Trap(name, number, spring, is_cut=is_cut)
        self._traps.append(trap)
        try:
            yield trap
        finally:
            self._traps.remove(trap)

    def close(self) -> None:
        """Cut every connection and listen no more."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        with self._lock:
            for one in self._open:
                _cut(one)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:  # closed
                return
            try:
                server = socket.create_connection(self._place)
            except OSError:  # down: the client has to see that too
                client.close()
                continue
            with self._lock:
                self._open |= {client, server}
            for pump in (self._pass_on, self._watch):
                thread = threading.Thread(target=pump, args=(client, server))
                self._threads.append(thread)
                thread.start()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        """What the client says, as it says it."""
        with suppress(OSError):
            while said := client.recv(65536):
                server.sendall(said)
        self._end(client, server)

    def _watch(self, client: socket.socket, server: socket.socket) -> None:
        """What the server says, message by message."""
        waiting = b""
        with suppress(OSError):
            while said := server.recv(65536):
                waiting += said
                passed, is_cut = self._whole(waiting)
                client.sendall(waiting[:passed])
                waiting = waiting[passed:]
                if is_cut:
                    break
        self._end(client, server)

    def _whole(self, waiting: bytes) -> tuple[int, bool]:
        """How many bytes of whole messages may pass, and whether the connection ends with them."""
        at = 0
        while len(waiting) >= at + 5:
            length = 1 + int.from_bytes(waiting[at + 1 : at + 5], "big")
            if len(waiting) < at + length:
                break
            if waiting[at] == _DONE:
                told = waiting[at + 5 : at + length]
                if sum(trap.meets(told) for trap in tuple(self._traps)):
                    return at, True
            at += length
        return at, False

    def _end(self, *sockets: socket.socket) -> None:
        with self._lock:
            for one in sockets:
                _cut(one)
                self._open.discard(one)


def _cut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
