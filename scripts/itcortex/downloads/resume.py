"""Downloads that survive broken connections, busy servers and killed jobs: a downloader for pooch.

pooch verifies and places files, and takes any callable (url, output_file, pooch) as its downloader;
its own neither resumes nor waits. This one speaks through requests, as pooch's does, and is repeated
by tenacity: urllib3's own Retry is done once the headers have come, so that a body which breaks off
would not be repeated. Snakemake's storage plugins ask the server whenever a workflow is planned, which
fails on machines without internet; the one for HTTP neither resumes nor verifies, and the caching one
verifies only what a few hosts publish.
"""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
import tenacity
from requests import exceptions
from tqdm import tqdm
from urllib3.exceptions import HTTPError

from itcortex.downloads import responses
from itcortex.downloads.parts import Origin, Part, check_space
from itcortex.downloads.responses import Broken, Unavailable, WrongFile

_log = logging.getLogger(__name__)
_PIECE = 2**18
_NEVER = (exceptions.InvalidSchema, exceptions.InvalidURL, exceptions.TooManyRedirects)


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server (s), and how many tries in a row may bring nothing."""

    connect: float = 15
    stall: float = 60  # without a byte
    tries: int = 6
    first_wait: float = 1
    longest_wait: float = 60
    longest_asked: float = 300  # at most this of what a server's Retry-After asks


class ResumingDownloader:
    """Downloader for pooch that continues a part by HTTP Range and tries again with back-off.

    Tries go on while they bring bytes. `size` is the registered length in bytes: a server that
    announces another is refused at once. Without a checksum (`verified` False) nothing is
    continued that has no ETag or date to prove that it is still the same file.
    `resumed` tells afterwards whether anything was continued.

    A call raises `Unavailable` if the address does not give the file and `UserError` if the disk
    cannot hold it.
    """

    def __init__(
        self,
        part: Part,
        size: int | None = None,
        verified: bool = False,
        patience: Patience | None = None,
    ):
        self.part, self.size, self.verified = part, size, verified
        self.patience = patience or Patience()
        self.name = part.target.name
        self.resumed = False

    def __call__(self, url: str, output_file: str | Path, pooch) -> None:
        """Bring the file at `url` to `output_file`; the part keeps its bytes, under both names."""
        while True:
            before = self.part.length()
            try:
                self._tries()(self._attempt, url)
                break
            except Broken as error:
                if self.part.length() <= before:
                    tries = f"given up after {self.patience.tries} tries"
                    raise Unavailable(f"{error}; {tries}") from error
        Path(output_file).unlink(missing_ok=True)
        try:
            os.link(self.part.bytes, output_file)  # if killed from here on, no byte is lost
        except OSError:  # a file system without links
            self.part.bytes.replace(output_file)

    def _tries(self) -> tenacity.Retrying:
        patience = self.patience
        back_off = tenacity.wait_random_exponential(patience.first_wait, patience.longest_wait)

        def wait(state: tenacity.RetryCallState) -> float:
            asked = state.outcome.exception().retry_after
            return back_off(state) if asked is None else min(asked, patience.longest_asked)

        def tell(state: tenacity.RetryCallState) -> None:
            problem, pause = state.outcome.exception(), state.next_action.sleep
            _log.warning(f"{self.name}: {problem}; trying again in {pause:.1f} s")

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Broken),
            stop=tenacity.stop_after_attempt(patience.tries),
            wait=wait,
            before_sleep=tell,
            reraise=True,
        )

    def _attempt(self, url: str) -> None:
        """One request: the whole file, or what is missing of it."""
        origin = self._continued(url)
        start = self.part.length() if origin else 0
        if origin and start == origin.total:
            self.resumed = True
            return
        headers = {"Accept-Encoding": "identity"}  # lengths and ranges count the file's own bytes
        if start:
            headers |= {"Range": f"bytes={start}-"}
            headers |= {"If-Range": origin.validator} if origin.validator else {}
        try:
            with requests.get(
                url,
                headers=headers,
                stream=True,
                timeout=(self.patience.connect, self.patience.stall),
                hooks={"response": responses.refuse_redirect},
            ) as response:
                self._take(response, responses.origin_of(url, response), start, origin)
        except _NEVER as error:
            raise Unavailable(responses.reason(error)) from error
        except (requests.RequestException, HTTPError) as error:
            raise Broken(responses.reason(error)) from error

    def _continued(self, url: str) -> Origin | None:
        """Origin of the part, if it can be continued from `url`."""
        origin, length = self.part.origin(), self.part.length()
        if origin is None or not length or origin.url != responses.shown(url):
            return None
        if origin.total is not None and length > origin.total:
            return None
        return origin if origin.validator or self.verified else None

    def _take(self, response, found: Origin, start: int, origin: Origin | None) -> None:
        """Take what a response carries, or raise what it means."""
        responses.check_status(response, continuing=start > 0)
        first, total = responses.stretch(response)
        whole = response.status_code == 200
        if not whole and (origin is None or first != start or responses.changed(origin, found)):
            self.part.forget()
            raise Broken("the server does not continue the same file; starting from zero")
        if response.status_code == 416:  # nothing is left to be sent
            self.resumed = True
            return
        responses.check_content(response, total, self.size, self.name, self.verified)
        check_space(self.part.target, (total or self.size or 0) - first)
        if whole:
            if start:
                _log.warning(f"{self.name}: the server sends the whole file again")
            self.part.begin(found)
        self.resumed |= not whole
        self._receive(response, first, self.size if total is None else total)

    def _receive(self, response, first: int, total: int | None) -> None:
        """Append the body to the part, each piece as soon as it has come."""
        length = first
        with (
            self.part.appending(first) as write,
            _progress(self.name, first, total) as progress,
        ):
            while piece := response.raw.read1(_PIECE, decode_content=False):
                length += len(piece)
                if total is not None and length > total:
                    self.part.forget()
                    raise WrongFile(f"the server sends more than {total} bytes")
                write(piece)
                progress.update(len(piece))
        if total is not None and length < total:
            raise Broken(f"the connection ended after {length} of {total} bytes")


class _Lines:
    """Progress for a log: a line every 10 s, every 10 % (but one a second at most), and at the end."""

    def __init__(self, name: str, first: int, total: int | None):
        self.name, self.first, self.done, self.total = name, first, first, total
        self.started = self.told = time.monotonic()
        self.tenth = self._tenth()

    def update(self, count: int) -> None:
        """Count bytes; print a line if it is time for one."""
        self.done += count
        since = time.monotonic() - self.told
        if since >= 10 or (since >= 1 and self._tenth() > self.tenth) or self.done == self.total:
            self._print()

    def _tenth(self) -> int:
        return 10 * self.done // self.total if self.total else 0

    def _print(self) -> None:
        self.told, self.tenth = time.monotonic(), self._tenth()
        speed = (self.done - self.first) / max(self.told - self.started, 1e-9)
        whole = (
            f" of {self.total / 1e6:.1f} MB ({self.done / self.total:.0%})" if self.total else " MB"
        )
        print(f"{self.name}: {self.done / 1e6:.1f}{whole}, {speed / 1e6:.2f} MB/s", file=sys.stderr)


@contextlib.contextmanager
def _progress(name: str, first: int, total: int | None) -> Iterator[tqdm | _Lines]:
    """A bar if somebody watches a terminal; if not, lines on `sys.stderr`, which is a job's log."""
    if sys.__stderr__ is None or not sys.__stderr__.isatty():
        yield _Lines(name, first, total)
    else:
        options = {"unit": "B", "unit_scale": True, "file": sys.__stderr__}
        with tqdm(desc=name, initial=first, total=total, **options) as bar:
            yield bar
