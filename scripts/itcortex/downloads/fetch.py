"""Registered files: where a data set's file comes from, and proof that it is the right one."""

import logging
import os
import shutil
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import pooch

from itcortex.downloads import pins
from itcortex.downloads.parts import Part, check_space
from itcortex.downloads.responses import SCHEMES, UnavailableError, WrongFileError, shown
from itcortex.downloads.resume import Patience, ResumingDownloader
from itcortex.errors import UserError
from itcortex.files import sha256_of
from itcortex.formats.zips import LIMIT_BYTES

_log = logging.getLogger(__name__)
pooch.get_logger().setLevel(logging.WARNING)  # it would tell users to register digests elsewhere

#: Environment variable that names a mirror, a folder or the start of an address, of files
#: {dataset}/{file}, tried before any download.
MIRROR = "ITCORTEX_MIRROR"

_BAD_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class Fetched:
    """What was fetched: where it came from, its length in bytes, and its SHA-256."""

    source: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class _Wanted:
    """What is known of a file beforehand, and what to do if another one is found."""

    sha256: str | None
    bytes: int | None
    known_from: str
    remedy: str


def in_mirror(target: str | Path) -> Path | str | None:
    """Path or address of a mirror's copy of the file that belongs at ``.../{dataset}/{file}``.

    None without a mirror. The mirror is not a setting of a rule, because where a verified file came
    from must not run anything again. Raises `UserError` for one that is neither a folder nor http(s).
    """
    mirror, (dataset, file) = os.environ.get(MIRROR), _names(Path(target))
    if not mirror:
        return None
    if "://" not in mirror:
        return Path(mirror, dataset, file)
    address = f"{mirror.rstrip('/')}/{quote(dataset)}/{quote(file)}"
    _check_address(address, f"{MIRROR} (mirror in the settings)")
    return address


def fetch(
    urls: str | Sequence[str],
    target: str | Path,
    sha256: str | None = None,
    size: int | None = None,
    mirror: str | Path | None = None,
    lock: str | Path | None = None,
    patience: Patience | None = None,
) -> Fetched:
    """Bring a registered file to `target`, verified, from the first source that gives it.

    Parameters
    ----------
    urls : str or sequence of str
        Its address or addresses (http or https), tried in this order after the mirror.
    target : path
        ``.../{dataset}/{file}``. It appears whole or not at all. A broken transfer is kept beside
        it in ``.{file}.part`` and continued by the next call.
    sha256, size : str, int or None
        Registered digest and length (bytes). Without a digest the file is pinned in `lock`.
    mirror : str, path or None
        Place or address of the mirror's copy, tried first: see `in_mirror`.
    lock : path or None
        Lock file of `pins`. Without a registered digest, the first whole file's digest is
        written there, and a later file that differs is an error.
    patience : Patience or None
        How long to wait and how often to try.

    Raises
    ------
    UserError
        If no source gives the file, with every source's reason, both digests where one differs,
        and the remedy; if the disk is full; if a name or an address is not allowed.
    """
    target, urls = Path(target), [urls] if isinstance(urls, str) else list(urls)
    key = "/".join(_names(target))
    for url in urls:
        _check_address(url, str(target))
    wanted = _wanted(key, sha256, size, lock)
    part, reasons = Part(target), []
    with part.held():
        for source in [*([] if mirror is None else [mirror]), *urls]:
            name = shown(source) if _is_address(source) else str(source)
            try:
                copy = _obtain(source, part, wanted, patience)
            except UnavailableError as reason:
                _log.warning(f"{target}: {name}: {reason}")
                reasons.append((name, reason))
                continue
            digest = wanted.sha256 or sha256_of(copy)
            fetched = Fetched(name, copy.stat().st_size, digest)
            if wanted.sha256 is None and lock is None:
                _log.warning(f"{target}: no checksum is registered; {name} has sha256 {digest}")
            if lock is not None and not sha256:
                # the lock file is for others: it names no folder of this machine
                origin = "mirror" if source == mirror else name
                pins.pin(lock, key, pins.Pin(digest, fetched.bytes, origin))
            _place(copy, part)
            return fetched
    raise UserError(_explain(target, reasons, wanted, bool(urls)))


def _wanted(key: str, sha256: str | None, size: int | None, lock: str | Path | None) -> _Wanted:
    """What the registry says of a file, or else its pin."""
    if sha256:
        remedy = (
            "if the publisher replaced the file, check the new one and register its checksum and "
            "size; else remove the damaged copy and run again"
        )
        return _Wanted(sha256.lower(), size, "the registry", remedy)
    if lock is not None and (known := pins.read(lock).get(key)):
        return _Wanted(known.sha256, known.bytes, str(lock), pins.remedy(lock, key))
    return _Wanted(None, size, "the registry", "check the registered size; else try again later")


def _obtain(source: str | Path, part: Part, wanted: _Wanted, patience: Patience | None) -> Path:
    """A verified copy of the file inside the part's folder; raises `UnavailableError`.

    A wrong file is never kept. If it was the continuation of an earlier part, it is downloaded once more
    from zero, because that part may have been damaged.
    """
    copy = part.folder / part.target.name
    for last in (False, True):
        copy.unlink(missing_ok=True)  # from a killed process, or wrong
        if _is_address(source):
            bring = ResumingDownloader(part, wanted.bytes, wanted.sha256 is not None, patience)
        else:
            bring = _Copier(part, wanted.bytes)
        try:
            pooch.retrieve(str(source), wanted.sha256, copy.name, part.folder, downloader=bring)
            if not wanted.sha256:
                _check_whole(copy, wanted.bytes)
            break
        except UserError:
            raise
        except ValueError as error:  # pooch's word for another digest
            copy.unlink(missing_ok=True)
            if _is_address(source):
                part.forget()
            if last or not bring.resumed:
                raise WrongFileError(str(error).partition(". Deleted")[0]) from error
            _log.warning(f"{part.target.name}: {error}; once more from zero")
    return copy


class _Copier:
    """Downloader for pooch that copies from a folder."""

    resumed = False  # it never continues anything

    def __init__(self, part: Part, size: int | None):
        self.part, self.size = part, size

    def __call__(self, source: str, output_file: str, pooch) -> None:
        """Copy `source`; raises `UnavailableError` if that cannot be."""
        copied = self.part.folder / "copied"  # not pooch's file: it is readable by its owner only
        try:
            length = Path(source).stat().st_size
            check_space(self.part.target, length)
            if self.size is not None and length != self.size:
                raise WrongFileError(f"the file has {length} bytes there, not {self.size}")
            shutil.copyfile(source, copied)
            copied.replace(output_file)
        except OSError as error:
            raise UnavailableError(f"cannot be copied ({error.strerror})") from error


def _check_whole(path: Path, size: int | None) -> None:
    """Raise ValueError if a file without a digest is not `size` bytes long or is a damaged zip.

    A zip archive, so named, must open, and every member's CRC must be right.
    """
    length = path.stat().st_size
    if size is not None and length != size:
        raise ValueError(f"the file has {length} bytes, not {size}")
    if path.suffix != ".zip":
        return
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(member.file_size for member in archive.infolist())
            if total > LIMIT_BYTES:  # reading it all would not end
                raise ValueError(f"would unpack to {total / 1e9:,.1f} GB")
            damaged = archive.testzip()
    except _BAD_ZIP as error:
        raise ValueError(f"not a whole zip archive ({error})") from error
    if damaged is not None:
        raise ValueError(f"not a whole zip archive (its member {damaged} is damaged)")


def _place(copy: Path, part: Part) -> None:
    """Let a verified copy appear under its name, and end its part."""
    with copy.open("rb") as handle:
        os.fsync(handle.fileno())
    part.forget()  # first: the part must never be a second name of the file in place
    copy.replace(part.target)


def _explain(target: Path, reasons: list, wanted: _Wanted, has_urls: bool) -> str:
    """Why no source gave the file, and what to do."""
    dataset, file = _names(target)
    if not reasons:
        return (
            f"{target}: no url is registered and no mirror is set; put the file into a mirror as "
            f"{dataset}/{file} and set {MIRROR} to its folder"
        )
    listed = "".join(f"\n  - {name}: {reason}" for name, reason in reasons)
    known = f" with sha256 {wanted.sha256} (from {wanted.known_from})" if wanted.sha256 else ""
    if any(isinstance(reason, WrongFileError) for _, reason in reasons):
        remedy = wanted.remedy
    else:
        check = "check the network" if has_urls else "no url is registered"
        remedy = (
            f"{check}, or put the file into a mirror as {dataset}/{file} and set {MIRROR} to its "
            "folder or address"
        )
    return f"{target}: no source gives the file{known}:{listed}\n{remedy}"


def _names(target: Path) -> tuple[str, str]:
    """Names of data set and file at the end of a path; `UserError` for one that is no plain name."""
    names = target.parent.name, target.name
    for name in names:
        if name in {"", ".", ".."} or any(sign in name for sign in "/\\\0"):
            raise UserError(
                f"{target}: {name!r} cannot be the name of a data set or file; use plain names, "
                "like results/data/{dataset}/{file}"
            )
    return names


def _is_address(source: str | Path) -> bool:
    return isinstance(source, str) and "://" in source


def _check_address(url: str, where: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise UserError(f"{where}: {shown(url)!r} is no address of the form http(s)://host/path")
