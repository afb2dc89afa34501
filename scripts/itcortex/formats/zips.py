"""Zip archives of published data: read member by member, nothing unpacked to disk.

Refused before anything is read: a damaged archive, one that would unpack to more than a limit, and a
member that could be written outside of its folder or that grows out of all proportion. The order in
which members are stored does not matter.
"""

import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from itcortex.errors import UserError, nearest
from itcortex.formats.plausible import require_plausible
from itcortex.formats.unicode import composed

LIMIT_BYTES = 16 * 2**30  # the published recordings unpack to one or two GB; a zip bomb to PB
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)
_UTF8 = 0x800  # flag of a member: its name is UTF-8
_AGAIN = "delete the file and run again, so that it is made or downloaded anew"


class Archive:
    """The files of one open zip archive, by their path inside it (always with forward slashes).

    A path is found with or without one top folder around it, because published archives are
    packed both ways, and whichever way its accents are written (see `formats.unicode`).
    """

    def __init__(self, path: Path, members: dict[str, zipfile.ZipInfo], handle: zipfile.ZipFile):
        self.path, self._members, self._handle = path, members, handle

    @property
    def names(self) -> list[str]:
        """Paths of all files, sorted."""
        return sorted(self._members)

    def read(self, name: str) -> bytes:
        """Bytes of the file `name`.

        Raises `UserError` for a file that is not there or does not unpack.
        """
        found = self._find(name, self.names, "file")
        try:
            return self._handle.read(self._members[found])
        except _DAMAGE as error:
            raise UserError(f"{self.path}: {found!r} is damaged ({error}); {_AGAIN}") from error

    def files(self, folder: str) -> dict[str, str]:
        """Files directly inside `folder` ("" is the top): {file name: path}, sorted by name.

        Raises `UserError` for a folder that is not there or holds no file.
        """
        parents = {name: name.rpartition("/")[0] for name in self.names}
        found = self._find(folder.strip("/"), sorted(set(parents.values())), "files in folder")
        return {n.rpartition("/")[2]: n for n, parent in parents.items() if parent == found}

    def _find(self, wanted: str, present: list[str], what: str) -> str:
        """`wanted` if it is present, else the only one that is `wanted` under one top folder."""
        wanted = composed(wanted)
        if wanted in present:
            return wanted
        under_top = [name for name in present if name.partition("/")[2] == wanted]
        if len(under_top) != 1:
            where = f"; found under {', '.join(under_top)}" if under_top else ""
            hint = nearest(wanted, [name for name in present if name])
            raise UserError(f"{self.path}: no {what} {wanted!r}{where}; {hint}")
        return under_top[0]


def _spelt(member: zipfile.ZipInfo) -> str:
    """A member's name as it was meant.

    Without the flag that says UTF-8, a name is read by the code page of MS-DOS. macOS's Finder writes
    UTF-8 and sets no flag: what is valid UTF-8 is taken for that. (A name that is meant in the code
    page is hardly ever valid UTF-8, but for plain letters, which are the same in both.)
    """
    name = member.orig_filename
    if not member.flag_bits & _UTF8:
        with suppress(UnicodeError):  # a name of the code page
            name = name.encode("cp437").decode("utf-8")
    return composed(name)


def _safe_name(path: Path, member: zipfile.ZipInfo) -> str:
    """A member's path with forward slashes; refuse one that could point out of its folder."""
    name = _spelt(member).replace("\\", "/")
    if name.startswith("/") or re.match("[A-Za-z]:", name) or ".." in name.split("/"):
        raise UserError(
            f"{path}: member {member.orig_filename!r} points outside of the archive's folder; "
            "the archive is not safe to read: get it from its original source"
        )
    if stat.S_ISLNK(member.external_attr >> 16):
        raise UserError(
            f"{path}: member {name!r} is a symbolic link; pack the file itself instead of the link"
        )
    if member.flag_bits & 1:
        raise UserError(f"{path}: member {name!r} is encrypted; pack it without a password")
    return name


def _members(path: Path, handle: zipfile.ZipFile, limit_bytes: int) -> dict[str, zipfile.ZipInfo]:
    """The archive's files by safe path, without folders, dot files and macOS's shadow tree."""
    total = sum(member.file_size for member in handle.infolist())
    if total > limit_bytes:
        raise UserError(
            f"{path}: would unpack to {total / 1e6:,.1f} MB, over the limit of "
            f"{limit_bytes / 1e6:,.1f} MB; get the archive from its original source"
        )
    members = {}
    for member in handle.infolist():
        name = _safe_name(path, member)
        parts = name.split("/")
        if name.endswith("/") or "__MACOSX" in parts or any(p.startswith(".") for p in parts):
            continue
        if name in members:
            raise UserError(f"{path}: holds {name!r} twice; pack every file once")
        require_plausible(member.compress_size, member.file_size, f"{path}: member {name!r}")
        members[name] = member
    return members


@contextmanager
def open_archive(path: str | Path, limit_bytes: int = LIMIT_BYTES) -> Iterator[Archive]:
    """Open a zip archive for reading after checking every member's path, kind and size.

    Raises `UserError` for a file that is missing, damaged, unsafe or unpacks to more than
    `limit_bytes`. A member cannot unpack to more than it declares: reading stops there.
    """
    path = Path(path)
    try:
        handle = zipfile.ZipFile(path)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; check the path of the archive") from error
    except _DAMAGE as error:
        raise UserError(f"{path}: not a whole zip archive ({error}); {_AGAIN}") from error
    with handle:
        yield Archive(path, _members(path, handle, limit_bytes), handle)


def add_file(handle: zipfile.ZipFile, name: str, source) -> None:
    """Add a binary stream to an archive that is being written, with a fixed time stamp."""
    with handle.open(name, "w", force_zip64=True) as member:  # a new name is dated 1980-01-01
        shutil.copyfileobj(source, member, 2**20)
