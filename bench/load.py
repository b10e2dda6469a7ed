"""A load of HTTP requests over kept connections, with as little of our own time in it as Python allows."""

import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Answer = bytes


@dataclass(frozen=True)
class Measure:
    """What one round gave: requests that succeeded per second, and the middle time of one, in milliseconds."""

    per_second: float
    p50_ms: float
    refused: int


class Connection:
    """One kept HTTP/1.1 connection to a local server."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket = self._open()

    def _open(self) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def send(self, request: bytes) -> int:
        """Send a whole request; the status of its answer, whose body is read to the end."""
        self.socket.sendall(request)
        received = self.socket.recv(65_536)
        head, found, body = received.partition(b"\r\n\r\n")
        while not found:
            more = self.socket.recv(65_536)
            if not more:
                raise ConnectionError("the server closed the connection")
            received += more
            head, found, body = received.partition(b"\r\n\r\n")
        lower = head.lower()
        length = int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0])
        while len(body) < length:
            body += self.socket.recv(65_536)
        if b"connection: close" in lower:
            self.socket.close()
            self.socket = self._open()
        return int(head[9:12])


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def run(port: int, requests: Callable[[int], Iterable[bytes]], *, clients: int, seconds: float) -> Measure:
    """Have `clients` connections send their requests, one after the other, for so many seconds."""
    times: list[float] = []
    refused: list[int] = []
    began = time.perf_counter()
    until = began + seconds

    def client(number: int) -> None:
        connection = Connection(port)
        mine: list[float] = []
        wrong = 0
        for payload in requests(number):
            start = time.perf_counter()
            if start >= until:
                break
            status = connection.send(payload)
            mine.append(time.perf_counter() - start)
            wrong += status >= 300
        times.extend(mine)
        refused.append(wrong)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - began
    times.sort()
    return Measure((len(times) - sum(refused)) / elapsed, times[len(times) // 2] * 1e3, sum(refused))
