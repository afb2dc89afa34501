"""Downloads that survive broken connections, busy servers and killed jobs: a downloader for pooch.

pooch verifies and places files, and takes any callable (url, output_file, pooch) as its downloader;
its own neither resumes nor waits. This one speaks through requests, as pooch's does, and is repeated
by tenacity: urllib3's own Retry is done once the headers have come, so that a body which breaks off
would not be repeated. Snakemake's storage plugins ask the server whenever a workflow is planned, which
fails on machines without internet; the one for HTTP neither resumes nor verifies, and the caching one
verifies only what a few hosts publish.
"""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

import requests
import tenacity
from requests import exceptions
from urllib3.exceptions import HTTPError

from itcortex.downloads import responses
from itcortex.downloads.parts import Origin, Part, check_space
from itcortex.downloads.responses import BrokenTransferError, UnavailableError, WrongFileError
from itcortex.running.progress import transfer

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

    A call raises `UnavailableError` if the address does not give the file and `UserError` if the disk
    cannot hold it. A host that no name server knows at the first request is not asked again: there is
    no network.
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
        self._answered = False

    def __call__(self, url: str, output_file: str | Path, pooch) -> None:
        """Bring the file at `url` to `output_file`; the part keeps its bytes, under both names."""
        while True:
            before = self.part.length()
            try:
                self._tries()(self._attempt, url)
                break
            except BrokenTransferError as error:
                if self.part.length() <= before:
                    tries = f"given up after {self.patience.tries} tries"
                    raise UnavailableError(f"{error}; {tries}") from error
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
            retry=tenacity.retry_if_exception_type(BrokenTransferError),
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
            raise UnavailableError(responses.reason(error)) from error
        except (requests.RequestException, HTTPError) as error:
            reason = responses.reason(error)
            if responses.is_unresolved(error) and not self._answered:
                raise UnavailableError(f"no network, or no such host: {reason}") from error
            raise BrokenTransferError(reason) from error

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
        self._answered = True
        responses.check_status(response, continuing=start > 0)
        first, total = responses.stretch(response)
        whole = response.status_code == 200
        if not whole and (origin is None or first != start or responses.changed(origin, found)):
            self.part.forget()
            raise BrokenTransferError(
                "the server does not continue the same file; starting from zero"
            )
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
            transfer(self.name, first, total) as progress,
        ):
            while piece := response.raw.read1(_PIECE, decode_content=False):
                length += len(piece)
                if total is not None and length > total:
                    self.part.forget()
                    raise WrongFileError(f"the server sends more than {total} bytes")
                write(piece)
                progress.update(len(piece))
        if total is not None and length < total:
            raise BrokenTransferError(f"the connection ended after {length} of {total} bytes")
