"""Files of a plain tar archive by their place in it: found by reading headers, nothing is unpacked.

The standard library parses the headers. Its way from one to the next is not taken: it ends without a
word where a header is damaged or the archive was cut between two members, keeps every member in
memory (1.3 million in ImageNet's), and reads an extended header of any size.
"""

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from itcortex.errors import UserError

LIMIT_BYTES = 2**28  # of one member; the largest photograph of ImageNet has 15 MB
NESTED = ".tar"

_BLOCK = tarfile.BLOCKSIZE
_EXTENSION_BYTES = 2**20  # of an extended header: a path, some numbers
_TAIL_BYTES = 2**20  # after the end that are looked at; archives are padded by some KB
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_EXTENSIONS = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK,
)  # fmt: skip
_REFUSED = {
    tarfile.SYMTYPE: "a symbolic link", tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device", tarfile.BLKTYPE: "a device", tarfile.FIFOTYPE: "a pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}  # fmt: skip
_AGAIN = "delete the archive, so that it is made or downloaded anew"


class PackedFile(NamedTuple):
    """A file inside an archive: its path, where its content begins, and its length in bytes."""

    name: str
    offset: int
    size: int


def packed_files(
    handle: BinaryIO, path: Path, limit_bytes: int = LIMIT_BYTES
) -> Iterator[PackedFile]:
    """Every file of an open archive in its order, also those of archives inside it.

    A member `CLASS.tar` stands for a folder CLASS. Dot files and macOS's shadows are left out.

    Raises `UserError`, naming `path` and member, for an archive that is cut off, damaged or
    compressed, and for links, devices, names that lead out of the archive's folder, and members
    larger than `limit_bytes`.
    """
    end = handle.seek(0, 2)
    yield from _Walk(handle, path, limit_bytes).span(0, end, "")


def read_at(handle: BinaryIO, offset: int, size: int) -> bytes:
    """Bytes of an open file; fewer than `size` where it ends."""
    handle.seek(offset)
    return handle.read(size)


@dataclass
class _Walk:
    """From header to header."""

    handle: BinaryIO
    path: Path
    limit_bytes: int

    def span(self, start: int, end: int, folder: str) -> Iterator[PackedFile]:
        """Files of the archive that lies from byte `start` to `end`, below `folder`."""
        position, before, extended = start, "", {}
        while header := self._header(position, end, before):
            name, size = extended.get("path", header.name), extended.get("size", header.size)
            position = content = position + _BLOCK
            if header.type == tarfile.DIRTYPE:
                extended = {}
                continue
            self._require_whole(name, content, size, end)
            position += -(-size // _BLOCK) * _BLOCK
            if header.type in _EXTENSIONS:
                extended |= self._extension(header, name, content)
                continue
            before, extended = name, {}
            self._require_file(header, name)
            inner = self._safe(name)
            if inner.endswith(NESTED):
                yield from self._nested(inner, content, size, folder)
            elif inner:
                self._require_size(name, size, self.limit_bytes)
                yield PackedFile(folder + inner, content, size)
        self._require_end(position, end, before)

    def _header(self, position: int, end: int, before: str) -> tarfile.TarInfo | None:
        """The header at a byte; None at the archive's end mark."""
        block = read_at(self.handle, position, max(min(_BLOCK, end - position), 0))
        after = f"after member {before!r}" if before else "before its first member"
        if len(block) < _BLOCK:
            raise UserError(f"{self.path}: cut off {after} (no end mark); {_AGAIN}")
        if block.count(0) == _BLOCK:
            return None
        try:
            # A long name may be cut in a letter here: it comes whole in an extended header.
            return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError) as error:
            raise UserError(
                f"{self.path}: no header of a tar member at byte {position}, {after} ({error}); a "
                f"compressed archive (.tar.gz) has to be unpacked to a plain .tar, else {_AGAIN}"
            ) from error

    def _require_whole(self, name: str, content: int, size: int, end: int) -> None:
        if size < 0:
            raise UserError(f"{self.path}: member {name!r} has a size of {size} bytes; {_AGAIN}")
        if content + size > end:
            raise UserError(
                f"{self.path}: cut off in the middle of member {name!r} ({size} bytes from byte "
                f"{content}, the archive ends at {end}); {_AGAIN}"
            )

    def _require_file(self, header: tarfile.TarInfo, name: str) -> None:
        if header.type not in _FILES:
            kind = _REFUSED.get(header.type, f"of the unknown type {header.type!r}")
            raise UserError(f"{self.path}: member {name!r} is {kind}; pack plain files only")

    def _require_size(self, name: str, size: int, limit_bytes: int) -> None:
        if size > limit_bytes:
            raise UserError(
                f"{self.path}: member {name!r} has {size / 1e6:,.1f} MB, over the limit of "
                f"{limit_bytes / 1e6:,.1f} MB; it is no photograph: pack the archive without it"
            )

    def _safe(self, name: str) -> str:
        """The name without leading `./`; empty for files that are nobody's; refused if it leads out."""
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise UserError(
                f"{self.path}: the name of member {name!r} is not UTF-8; rename it and pack it anew"
            ) from error
        if name.startswith(("/", "\\")) or re.match("[A-Za-z]:", name) or ".." in _parts(name):
            raise UserError(
                f"{self.path}: member {name!r} points outside of the archive's folder; the archive "
                "is not safe to read: get it from its original source"
            )
        parts = _parts(name)
        hidden = "__MACOSX" in parts or any(part.startswith(".") for part in parts)
        return "" if hidden else "/".join(parts)

    def _nested(self, name: str, content: int, size: int, folder: str) -> Iterator[PackedFile]:
        if folder:
            raise UserError(
                f"{self.path}: member {folder}{name} is an archive within an archive within this "
                "one; unpack it one step"
            )
        yield from self.span(content, content + size, name.removesuffix(NESTED) + "/")

    def _extension(self, header: tarfile.TarInfo, name: str, content: int) -> dict:
        """What an extended header says of the next member: its `path`, its `size`."""
        self._require_size(name, header.size, _EXTENSION_BYTES)
        if header.type in (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK):
            return {}
        text = read_at(self.handle, content, header.size)
        try:
            if header.type == tarfile.GNUTYPE_LONGNAME:
                return {"path": text.partition(b"\0")[0].decode()}
            records = dict(_records(text))
            if "size" in records:
                records["size"] = int(records["size"])
        except ValueError as error:
            raise UserError(
                f"{self.path}: damaged extended header at byte {content} ({error}); {_AGAIN}"
            ) from error
        if any(key.startswith("GNU.sparse") for key in records):
            raise UserError(
                f"{self.path}: the member after byte {content} is a sparse file; pack plain files"
            )
        return {key: records[key] for key in ("path", "size") if key in records}

    def _require_end(self, position: int, end: int, before: str) -> None:
        """Nothing but padding may follow the end mark: `cat a.tar b.tar` would lose b."""
        tail = read_at(self.handle, position, min(_TAIL_BYTES, end - position))
        if tail.count(0) < len(tail):
            raise UserError(
                f"{self.path}: goes on after its end mark, which follows member {before!r}: archives "
                "were joined, or it is damaged; pack its files into one archive"
            )


def _parts(name: str) -> list[str]:
    return [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]


def _records(text: bytes) -> Iterator[tuple[str, str]]:
    """Keyword and value of every record `LENGTH KEYWORD=VALUE\\n` of a pax header."""
    while text.strip(b"\0"):
        number, _, _ = text.partition(b" ")
        length = int(number)
        record = text[len(number) + 1 : length]
        keyword, equals, value = record[:-1].partition(b"=")
        if length > len(text) or record[-1:] != b"\n" or not equals:
            raise ValueError(f"record of {length} bytes")
        if keyword in (b"path", b"size") or keyword.startswith(b"GNU.sparse"):
            yield keyword.decode(), value.decode()
        text = text[length:]
