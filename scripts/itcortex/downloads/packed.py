"""Files that are published one by one and kept as one zip archive."""

import shutil
import zipfile
from pathlib import Path

from itcortex.data.registry import NUMBER, numbers
from itcortex.downloads import pins
from itcortex.downloads.fetch import fetch, in_mirror
from itcortex.errors import UserError
from itcortex.files import atomic_path, sha256_of
from itcortex.formats.zips import add_file


def fetch_packed(
    urls: list[str], target: str | Path, members: dict, sha256: str | None, lock: str | Path
) -> str:
    """Download numbered files and pack them into the zip `target`; returns its SHA-256.

    `members` holds `path` (with `{n}`; the place of a file in the archive and in a mirror) and `numbers`
    (first and last). Files that were downloaded stay beside the target until all are there, so that a
    broken run can go on. Packing always gives the same bytes: their digest must be `sha256` or, without
    one, the digest in the lock file, where the first archive is pinned.

    Raises `UserError` for a file that no source gives and for an archive with another digest.
    """
    target = Path(target)
    folder, mirror = target.with_name(f".{target.name}.members"), in_mirror(target)
    if members["path"].startswith("/") or {"", ".", ".."} & set(members["path"].split("/")):
        raise UserError(
            f"{target}: members: path {members['path']!r} leads out of the archive's folder; write it "
            "like images/{n}.png"
        )
    names = [members["path"].replace(NUMBER, number) for number in numbers(members["numbers"])]
    for name, number in zip(names, numbers(members["numbers"]), strict=True):
        if not (folder / name).is_file():
            addresses = [url.replace(NUMBER, number) for url in urls]
            fetch(addresses, folder / name, mirror=_beside(mirror, name))
    with atomic_path(target) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for name in names:
                with (folder / name).open("rb") as member:
                    add_file(archive, name, member)
        digest = sha256_of(temporary)
        if sha256 and digest != sha256:
            raise UserError(
                f"{target}: its {len(names)} members make an archive of sha256 {digest}, not the "
                f"registered {sha256}; if the publisher replaced a file, check it and register the "
                f"new digest, else delete {folder} and run again"
            )
        if not sha256:
            key = f"{target.parent.name}/{target.name}"
            pins.pin(lock, key, pins.Pin(digest, temporary.stat().st_size, "packed from members"))
    shutil.rmtree(folder)
    return digest


def _beside(mirror: Path | str | None, name: str) -> Path | str | None:
    """Place or address of a member in the mirror, given that of the archive."""
    if mirror is None or isinstance(mirror, Path):
        return mirror and mirror.parent / name
    return f"{mirror.rpartition('/')[0]}/{name}"
