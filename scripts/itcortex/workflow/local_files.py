"""Own files and folders of pictures, known by their content: a changed one runs again what reads it.

To read them at every start would take long, and every job on a cluster plans anew. Kept are digests of
files that have not been written to since, by sizes and times, in `.snakemake/itcortex/digests.json`.
"""

import hashlib
import json
import time
from pathlib import Path

from itcortex.data.stimuli import pictures_in
from itcortex.files import atomic_path, sha256_of, sha256_of_all, state_of

KEPT = Path(".snakemake", "itcortex", "digests.json")
_SETTLED_S = (
    2  # a file that was written just now may be written again within the clock's resolution
)


def kept_digest(path: str | Path, kept: Path = KEPT) -> str:
    """`digest_of` a file or folder, read from `kept` if nothing was written to it since.

    A file `kept` that cannot be read is made anew; a folder that cannot be written costs time alone.
    """
    files = _files(path)
    state, name = state_of(files), Path(path).as_posix()
    known = _read(kept)
    if known.get(name, {}).get("state") == state:
        return known[name]["sha256"]
    digest = digest_of(path)
    newest = max((file.stat().st_mtime for file in files), default=0)
    if time.time() - newest > _SETTLED_S and state_of(_files(path)) == state:
        _write(kept, known | {name: {"state": state, "sha256": digest}})
    return digest


def names_and_sizes(folder: str | Path) -> str:
    """SHA-256 over the names and sizes of the images in a folder; no image is read."""
    lines = [f"{name} {path.stat().st_size}\n" for name, path in pictures_in(folder).items()]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def digest_of(path: str | Path) -> str:
    """SHA-256 of a file, or over names and contents of the images in a folder."""
    return sha256_of_all(pictures_in(path)) if Path(path).is_dir() else sha256_of(path)


def _files(path: str | Path) -> list[Path]:
    return [*pictures_in(path).values()] if Path(path).is_dir() else [Path(path)]


def _read(kept: Path) -> dict:
    try:
        content = json.loads(kept.read_text(encoding="utf-8"))
        return content if isinstance(content, dict) else {}
    except (OSError, ValueError):
        return {}


def _write(kept: Path, content: dict) -> None:
    try:
        with atomic_path(kept) as temporary:
            temporary.write_text(json.dumps(content), encoding="utf-8")
    except OSError:
        return  # a folder that is read, not run
