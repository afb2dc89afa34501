"""Pins: digests of files whose publisher gives none, written down at their first whole download.

The lock file belongs into version control: whoever has it gets the same bytes, or an error.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml
from filelock import FileLock
from jsonschema import Draft202012Validator

from itcortex.downloads.parts import GROUP, no_locks
from itcortex.errors import UserError
from itcortex.files import make_writable

_log = logging.getLogger(__name__)

_HEADER = """\
# Files without a published checksum, as they were when they were first downloaded and found whole.
# Written by rule download_data. Commit this file: a later download that differs is an error.
"""
_FORM = {
    "type": "object",
    "propertyNames": {"pattern": "^[^/]+/[^/]+$"},
    "additionalProperties": {
        "type": "object",
        "additionalProperties": False,
        "required": ["sha256", "bytes", "url"],
        "properties": {
            "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "bytes": {"type": "integer", "minimum": 0},
            "url": {"type": "string"},
        },
    },
}


@dataclass(frozen=True)
class Pin:
    """What a file was: its SHA-256, its length in bytes, and its address (or `mirror`)."""

    sha256: str
    bytes: int
    url: str


def read(lock: str | Path) -> dict[str, Pin]:
    """All pins of a lock file by `{dataset}/{file}`; none if there is no such file.

    Raises `UserError`, naming the entry, if the file is not what `pin` writes.
    """
    remedy = "restore it from version control, or remove the entry to pin the file anew"
    try:
        content = yaml.safe_load(Path(lock).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"{lock}: cannot be read as YAML ({error}); {remedy}") from error
    content = {} if content is None else content
    for error in Draft202012Validator(_FORM).iter_errors(content):
        where = ": ".join(str(part) for part in error.absolute_path) or "top level"
        raise UserError(f"{lock}: {where}: {error.message}; {remedy}")
    return {key: Pin(**entry) for key, entry in content.items()}


def pin(lock: str | Path, key: str, found: Pin) -> None:
    """Write `found` under `key` (`{dataset}/{file}`), unless the same digest stands there already.

    Processes that pin at the same time wait for each other, so that no entry is lost; the file is
    replaced as a whole. Raises `UserError` if another digest is pinned.
    """
    lock = Path(lock)
    make_writable(lock.parent)
    with _held(lock):
        pins = read(lock)
        known = pins.get(key)
        if known is not None and known.sha256 != found.sha256:
            raise UserError(
                f"{key}: {found.url} has sha256 {found.sha256}, but {known.sha256} is pinned in "
                f"{lock}; {remedy(lock, key)}"
            )
        if known is None:
            _write(lock, pins | {key: found})
            _log.warning(f"{key}: sha256 {found.sha256} is now pinned in {lock}; commit that file")


@contextmanager
def _held(lock: Path) -> Iterator[None]:
    """Keep other processes from the lock file; `UserError` where its file system has no locks."""
    waiting = FileLock(lock.with_name(f".{lock.name}.lock"), mode=GROUP)
    try:
        waiting.acquire()
    except (OSError, NotImplementedError) as error:
        raise UserError(no_locks(lock.parent, error)) from error
    try:
        yield
    finally:
        waiting.release()


def remedy(lock: str | Path, key: str) -> str:
    """What to do about a file that differs from its pin."""
    return (
        "if the publisher replaced the file and you have checked the new one, remove the entry "
        f"{key!r} from {lock} and run again; else the copy is damaged: get the file elsewhere"
    )


def _write(lock: Path, pins: dict[str, Pin]) -> None:
    entries = {key: asdict(pins[key]) for key in sorted(pins)}
    temporary = lock.with_name(f".{lock.name}.partial")  # ours alone: the caller holds the lock
    text = yaml.safe_dump(entries, sort_keys=False, width=10**6, allow_unicode=True)
    temporary.write_text(_HEADER + text, encoding="utf-8")
    temporary.replace(lock)
