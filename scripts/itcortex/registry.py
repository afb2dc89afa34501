"""Registered files: where a data set's file comes from, and proof that it is the right one."""

import hashlib
import logging
import os
import shutil
import sys
from pathlib import Path

import pooch
from tqdm import tqdm

from itcortex.errors import UserError
from itcortex.store import atomic_path

_log = logging.getLogger(__name__)
_CHUNK = 2**20


#: Environment variable that names a folder of files, {dataset}/{file}, tried before any download.
MIRROR = "ITCORTEX_MIRROR"


def in_mirror(target: str | Path) -> Path | None:
    """Where the mirror would keep a file that belongs at ``.../{dataset}/{file}``; None without one.

    The mirror is no setting of a rule: where a verified file came from must not re-run anything.
    """
    folder = os.environ.get(MIRROR)
    return Path(folder, Path(target).parent.name, Path(target).name) if folder else None


def sha256_of(path: str | Path) -> str:
    """Digest of a file, read piece by piece."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as handle:
        while piece := handle.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def fetch(
    url: str | None, target: str | Path, sha256: str | None, mirror_file: str | Path | None = None
) -> None:
    """Bring a registered file to `target`: copied from a local mirror if it is there, else by url.

    The file takes its name only once it is complete and its SHA-256 is the registered one; without
    a registered one (some publishers give none) the digest that was found is logged.

    Raises `UserError` for a digest that does not match, naming where the file came from, and for
    a file that is in neither place.
    """
    with atomic_path(target) as temporary:
        if mirror_file is not None and Path(mirror_file).is_file():
            source = str(mirror_file)
            shutil.copyfile(mirror_file, temporary)
        else:
            source = _download(url, temporary, Path(target), mirror_file)
        found = sha256_of(temporary)
        if not sha256:
            _log.warning(f"{target}: no checksum is registered; {source} has sha256 {found}")
        elif found != sha256.lower():
            raise UserError(
                f"{target}: {source} is not the registered file: expected sha256 {sha256}, found "
                f"{found}; if the publisher replaced it, check it and register the new checksum, "
                "else remove the damaged copy and run again"
            )


def _download(url: str | None, temporary: Path, target: Path, mirror_file) -> str:
    """Download to `temporary`, with a progress bar if somebody watches a terminal."""
    mirror = f"no local mirror has it ({mirror_file})" if mirror_file else "no local mirror is set"
    if not url:
        raise UserError(f"{target}: {mirror} and no url is registered; put the file into a mirror")
    watched = sys.__stderr__ is not None and sys.__stderr__.isatty()
    bar = {"desc": target.name, "unit": "B", "unit_scale": True, "file": sys.__stderr__}
    download = pooch.HTTPDownloader(tqdm(**bar) if watched else False, chunk_size=_CHUNK)
    try:
        download(url, str(temporary), None)
    except OSError as error:  # what requests raises is one, a connection cut short included
        raise UserError(
            f"{target}: {mirror} and {url} cannot be downloaded ({error}); check the network, or "
            "put the file into a local mirror folder"
        ) from error
    return url
