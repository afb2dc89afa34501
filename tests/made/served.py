"""A web server on this machine that answers as a test tells it, well or badly, and takes notes."""

import http.server
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

Answer = Callable[["_Handler", "Request"], None]


@dataclass
class Request:
    """What was asked, when (s), with which status it was answered, and how many bytes were sent."""

    path: str
    range: str | None
    if_range: str | None
    authorization: str | None
    time: float
    status: int | None = None
    sent: int = 0


class Server:
    """Answers by path: each is used once, the last one for ever. Notes in `requests`."""

    def __init__(self):
        self.requests: list[Request] = []
        self.release = threading.Event()  # lets go of answers that hold
        self._answers: dict[str, list[Answer]] = {}
        self._httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._httpd.daemon_threads = True
        self._httpd.site = self
        self._thread = threading.Thread(target=self._httpd.serve_forever, args=(0.01,))
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._httpd.server_address[1]}"

    def put(self, path: str, *answers: Answer) -> str:
        """Set the answers for a path; its address."""
        self._answers[path] = list(answers)
        return self.address + path

    def take(self, path: str) -> Answer:
        """The next answer for a path."""
        answers = self._answers.get(path, [fails(404)])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def ranges(self) -> list[str | None]:
        """The Range header of every request, in order."""
        return [request.range for request in self.requests]

    def sent(self) -> list[int]:
        """Bytes of body sent for every request, in order."""
        return [request.sent for request in self.requests]

    def close(self) -> None:
        """Let go of all answers and end."""
        self.release.set()
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = [self.headers[name] for name in ("Range", "If-Range", "Authorization")]
        request = Request(self.path, *asked, time.monotonic())
        self.server.site.requests.append(request)
        self.server.site.take(self.path)(self, request)

    def begin(self, request: Request, status: int, headers: dict) -> None:
        """Send status and headers."""
        request.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()

    def log_message(self, *_args):
        """Keep the test's output clean."""


def gives(
    content: bytes,
    headers: dict | None = None,
    ranges: bool = True,
    obeys_if_range: bool = True,
    announced: int | None = None,
    cut: int | None = None,
    holds: bool = False,
) -> Answer:
    """Answer with a file, as a good server would unless told otherwise.

    `announced` is a false length (-1: none); `cut` ends the connection after so many bytes of the
    body; `holds` sends no more after them but keeps the connection until the server is released.
    """
    headers = headers or {}

    def answer(handler: _Handler, request: Request) -> None:
        first = 0
        same = not obeys_if_range or request.if_range in (None, *headers.values())
        if ranges and request.range and same:
            first = int(request.range.removeprefix("bytes=").removesuffix("-"))
        if first >= len(content) > 0:
            handler.begin(request, 416, {"Content-Range": f"bytes */{len(content)}"})
            return
        body = content[first:]
        sent = headers | {"Content-Length": len(body) if announced is None else announced}
        if announced == -1:
            del sent["Content-Length"]
        if first:
            sent |= {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"}
        body = body[:cut]
        request.sent = len(body)  # noted first: who has the last byte may look at once
        handler.begin(request, 206 if first else 200, sent)
        handler.wfile.write(body)
        if holds:
            handler.server.site.release.wait(20)

    return answer


def fails(status: int, **headers: str) -> Answer:
    """Answer with a status and nothing else; underscores in names of headers stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(handler: _Handler, request: Request) -> None:
        handler.begin(request, status, named | {"Content-Length": "0"})

    return answer
