"""Files that are whole or not there, and their checksums.

Every file is written under a temporary name in its folder and renamed when it is complete, so that a
file with its final name is always whole.
"""

import glob
import hashlib
import logging
import os
import platform
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from itcortex.errors import UserError

_log = logging.getLogger(__name__)
_HOST = re.sub(r"[^\w.]", "_", platform.node())
_WEEK_S = 7 * 24 * 3600


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds.

    The temporary name keeps the suffix, because writers choose formats by it. The file is removed when
    the block fails; what a killed process left is removed by the next try. Every try has a name of its
    own, so that nobody puts another's half-written file in place. Where two processes write one file,
    both succeed and the one that began last wins: a job that lives on although a scheduler believes it
    dead does not replace what its successor has made.
    """
    path = Path(path)
    make_writable(path.parent)
    rivals, before = False, _version(path)
    for left in path.parent.glob(f".{glob.escape(path.stem)}.partial-*{glob.escape(path.suffix)}"):
        if _is_dead(left):
            left.unlink(missing_ok=True)
        else:
            rivals = True
    writer = f"{_HOST}-{os.getpid()}-{secrets.token_hex(4)}"
    temporary = path.with_name(f".{path.stem}.partial-{writer}{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        if rivals or _version(path) == before:
            temporary.replace(path)
        else:
            _log.warning(f"{path}: another process wrote it meanwhile, and its file stays")
    finally:
        temporary.unlink(missing_ok=True)


def make_writable(folder: Path) -> None:
    """Make a folder if it is not there; raise `UserError` where this user may not write."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            return
        problem = f"belongs to user {folder.stat().st_uid} and cannot be written"
    except PermissionError as error:
        problem = f"cannot be made ({error})"
    raise UserError(
        f"{folder}: {problem}; let its owner give your group the right to write (chmod -R g+w), or "
        "use a `results` folder of your own"
    )


def _version(path: Path) -> tuple[int, int] | None:
    """What tells a file from one that takes its place; None if there is no file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


def _is_dead(partial: Path) -> bool:
    """Whether the process that writes a partial file has ended.

    Its name tells machine and process. Processes of another machine cannot be seen from here: they
    are taken for dead when they have written nothing for a week.
    """
    host, _, rest = partial.name.partition(".partial-")[2].rpartition("-")[0].rpartition("-")
    try:
        if host == _HOST and rest.isdigit():
            os.kill(int(rest), 0)
            return False
        return time.time() - partial.stat().st_mtime > _WEEK_S
    except (ProcessLookupError, FileNotFoundError):
        return True
    except PermissionError:  # another user's process, which is alive
        return False


def state_of(files: Iterable[Path]) -> str:
    """What tells files that have been written to, without reading them: their names, sizes and times."""
    lines = []
    for path in files:
        status = path.stat()
        lines.append(f"{path.as_posix()} {status.st_size} {status.st_mtime_ns} {status.st_ino}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def sha256_of_all(files: Mapping[str, Path]) -> str:
    """SHA-256 over names and contents of several files, by their names."""
    lines = [f"{name} {sha256_of(path)}\n" for name, path in files.items()]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file, as hexadecimal digits; the file is read piece by piece."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
