"""What the response of a server means for a download: go on, start again, wait, or ask elsewhere."""

import re
import socket
from urllib.parse import urljoin, urlsplit

import requests
from requests.utils import get_environ_proxies, select_proxy
from urllib3.exceptions import InvalidHeader, NameResolutionError
from urllib3.util import Retry

from itcortex.downloads.parts import Origin

SCHEMES = ("http", "https")
BUSY = (408, 425, 429)  # timeout, too early, too many requests: like 5xx, worth another try

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


class UnavailableError(Exception):
    """A source does not give the file; the message says why. Another source may give it."""


class WrongFileError(UnavailableError):
    """A source gives another file than the registered or pinned one."""


class BrokenTransferError(Exception):
    """A transfer failed in a way that may pass; the server asked to wait `retry_after` seconds."""

    def __init__(self, reason: str, retry_after: float | None = None):
        super().__init__(reason)
        self.retry_after = retry_after


def shown(url: str) -> str:
    """An address as messages and files may show it: without user name and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def unknown_host(url: str) -> str | None:
    """The host of an address if no name server knows it: there is no network, or no such host.

    None if it is known, or if a proxy is asked for the address, which looks it up by itself.
    """
    if select_proxy(url, get_environ_proxies(url)):
        return None
    host = urlsplit(url).hostname
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return host
    return None


def is_unresolved(error: Exception) -> bool:
    """True if a request failed because no name server knew the host."""
    inner = error.args[0] if error.args else None
    return isinstance(getattr(inner, "reason", inner), NameResolutionError)


def refuse_redirect(response: requests.Response, **_options) -> None:
    """Follow a redirect only to http(s), and never from https to http; else `UnavailableError`."""
    if response.is_redirect:
        target = urljoin(response.url, response.headers["Location"])
        before, after = urlsplit(response.url).scheme, urlsplit(target).scheme
        if after not in SCHEMES or (before == "https" and after == "http"):
            raise UnavailableError(f"redirected to {shown(target)}, which is refused")


def check_status(response: requests.Response, continuing: bool) -> None:
    """Return if the answer carries the file or says that it is whole.

    Raises `BrokenTransferError` for what may pass, `UnavailableError` for what will not.
    """
    status = response.status_code
    if status >= 500 or status in BUSY:
        raise BrokenTransferError(f"HTTP {status} {response.reason}", retry_after(response))
    if status not in {200, 206} and not (continuing and status == 416):
        raise UnavailableError(f"HTTP {status} {response.reason}")


def check_content(
    response: requests.Response, total: int | None, size: int | None, name: str, verified: bool
) -> None:
    """Refuse what cannot be file `name` of `size` bytes, before gigabytes of it are downloaded.

    `total` is the length that the answer announces. Raises `WrongFileError` or `UnavailableError`.
    """
    if None not in (total, size) and total != size:
        raise WrongFileError(f"the file has {total} bytes there, not {size}")
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity" and not name.endswith(("gz", ".Z")):
        raise UnavailableError(f"the server sends it compressed ({encoding}), though asked not to")
    page = response.headers.get("Content-Type", "").startswith("text/html")
    if page and not verified and not name.endswith((".html", ".htm")):
        raise UnavailableError("the server answers with a web page, perhaps one to sign in")


def stretch(response: requests.Response) -> tuple[int, int | None]:
    """Position in the file of a response's first byte, and the file's length (None if it is not said).

    416 (nothing left) is at the end of the file. Position -1 stands for a response without use.
    """
    if response.status_code == 200:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdigit() else None
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    if not match:
        return -1, None
    first = match[1] if response.status_code == 206 else match[2]
    total = None if match[2] == "*" else int(match[2])
    return int(first) if first and first.isdigit() else -1, total


def origin_of(url: str, response: requests.Response) -> Origin:
    """Whose bytes a response carries.

    The validator is what If-Range may send: a strong ETag, else the date; a weak ETag does not
    tell one file's bytes from another's.
    """
    tag = response.headers.get("ETag")
    strong = tag and not tag.startswith("W/")
    validator = tag if strong else response.headers.get("Last-Modified")
    return Origin(shown(url), validator, stretch(response)[1])


def changed(old: Origin, new: Origin) -> bool:
    """True if two responses are of different files; what one of them does not say is not compared."""
    pairs = [(old.validator, new.validator), (old.total, new.total)]
    return any(None not in pair and pair[0] != pair[1] for pair in pairs)


def retry_after(response: requests.Response) -> float | None:
    """Seconds that a server asks to wait, given as a number or a date; None if it asks nothing."""
    try:
        return Retry().parse_retry_after(response.headers["Retry-After"])
    except (KeyError, InvalidHeader):
        return None


def reason(error: Exception) -> str:
    """What went wrong with a connection, without the layers of wrapping around it."""
    inner = error.args[0] if error.args else error
    return str(getattr(inner, "reason", None) or error)
