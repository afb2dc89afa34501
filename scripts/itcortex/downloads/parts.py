"""Partial downloads on disk, which survive killed processes: the bytes so far, and whose they are."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from tqdm import tqdm

from itcortex.errors import UserError
from itcortex.files import make_writable

GROUP = 0o664  # of lock files: whoever may write in the folder may lock them


@dataclass(frozen=True)
class Origin:
    """Whose bytes a part holds: the address, its ETag or Last-Modified, and the whole length."""

    url: str
    validator: str | None
    total: int | None


class Part:
    """The part of a file that was downloaded so far, in the folder `.{name}.part` beside it."""

    def __init__(self, target: str | Path):
        self.target = Path(target)
        self.folder = self.target.with_name(f".{self.target.name}.part")
        self.bytes = self.folder / "bytes"
        self._origin = self.folder / "origin.json"

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes out; afterwards the folder stays only if it holds bytes.

        Raises `UserError` if another process holds it. A killed process holds nothing.
        """
        make_writable(self.folder)
        lock = FileLock(self.folder / "lock", mode=GROUP)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UserError(
                f"{self.target}: another process is downloading it; wait for it, then run again"
            ) from None
        except (OSError, NotImplementedError) as error:
            raise UserError(no_locks(self.folder, error)) from error
        try:
            yield
        finally:
            if not self.length():
                shutil.rmtree(self.folder)
            lock.release()

    def length(self) -> int:
        """Number of bytes so far."""
        return self.bytes.stat().st_size if self.bytes.is_file() else 0

    def origin(self) -> Origin | None:
        """Whose bytes they are; None if that is not known."""
        try:
            return Origin(**json.loads(self._origin.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):  # from a process killed while it wrote
            return None

    def begin(self, origin: Origin) -> None:
        """Start from zero. The old bytes go first, so that they are never under a new origin."""
        self.forget()
        self._origin.write_text(json.dumps(asdict(origin)), encoding="utf-8")

    def forget(self) -> None:
        """Drop all bytes."""
        self.bytes.unlink(missing_ok=True)
        self._origin.unlink(missing_ok=True)

    @contextlib.contextmanager
    def appending(self, first: int) -> Iterator:
        """Yield a function that appends bytes from position `first` on, at once: no buffer is lost.

        It raises `UserError` if the disk cannot hold them.
        """

        def write(piece: bytes) -> None:
            view = memoryview(piece)
            try:
                while view:
                    view = view[file.write(view) :]
            except OSError as error:  # full disk, exceeded quota
                raise UserError(
                    f"{self.target}: cannot be written ({error}); make room and run again"
                ) from error

        with self.bytes.open("ab" if first else "wb", buffering=0) as file:
            yield write


def no_locks(folder: Path, error: Exception) -> str:
    """Message that a file of a folder cannot be locked, and what to do."""
    if isinstance(error, PermissionError):
        return (
            f"{folder}: its lock belongs to another user ({error}); let its owner give your group the "
            "right to write (chmod -R g+w), or use a `results` folder of your own"
        )
    return (
        f"{folder}: a file there cannot be locked ({error}), and downloads lock theirs so that two "
        "processes do not write one; put the workflow's folder on a file system with locks, or let "
        "`make stage` download on a machine where it has them"
    )


def check_space(target: Path, needed: int) -> None:
    """Raise `UserError` if the disk of `target`, whose folder exists, has not `needed` bytes free."""
    free = shutil.disk_usage(target.parent).free
    if needed > free:
        amounts = [tqdm.format_sizeof(amount, "B") for amount in (needed, free)]
        raise UserError(
            f"{target}: needs {amounts[0]}, and {amounts[1]} are free on the disk of "
            f"{target.parent}; make room there and run again"
        )
