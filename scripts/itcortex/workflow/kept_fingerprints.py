"""Fingerprints that an earlier process of this folder made, as long as no file of the code changed.

To parse the library takes longer than all other planning, and every job on a cluster plans anew. Kept
are the fingerprints of one state of the code, in `.snakemake/itcortex/fingerprints.json`.
"""

import hashlib
import json
import os
from functools import cache
from pathlib import Path

from itcortex.files import atomic_path
from itcortex.workflow.fingerprint import SCRIPTS, fingerprint
from itcortex.workflow.statements import PACKAGE

KEPT = Path(".snakemake", "itcortex", "fingerprints.json")


def kept_fingerprint(
    rule: str, scripts: Path = SCRIPTS, kept: Path = KEPT, state: str | None = None
) -> str:
    """`fingerprint(rule)`, read from `kept` if it was made there from files with the same bytes.

    A file `kept` that cannot be read, or is none of ours, is made anew; a folder that cannot be
    written costs time, nothing else. `state` is that of the code (`state_of`); without it, it is that
    which this process found when it first asked.
    """
    state = state or _state_of(scripts)
    found = _read(kept, state)
    if rule not in found:
        found[rule] = fingerprint(rule, scripts)
        _write(kept, state, found)
    return found[rule]


def state_of(scripts: Path) -> str:
    """SHA-256 over names and bytes of all files that a fingerprint can depend on."""
    digest = hashlib.sha256()
    for path in sorted(_files(scripts)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(scripts).as_posix()} {content}\n".encode())
    return digest.hexdigest()


_state_of = cache(state_of)  # a process plans with the code that it found when it started


def _files(scripts: Path) -> list[Path]:
    """All files of the scripts' folder, and of the package's at any depth, but compiled ones."""
    found = [path for path in scripts.iterdir() if path.is_file()]
    for folder, folders, names in os.walk(scripts / PACKAGE):
        folders[:] = [name for name in folders if name != "__pycache__"]
        found += [Path(folder, name) for name in names]
    return [path for path in found if path.suffix != ".pyc"]


def _read(kept: Path, state: str) -> dict[str, str]:
    try:
        content = json.loads(kept.read_text(encoding="utf-8"))
        return content["rules"] if content["code"] == state else {}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def _write(kept: Path, state: str, rules: dict[str, str]) -> None:
    try:
        with atomic_path(kept) as temporary:
            temporary.write_text(json.dumps({"code": state, "rules": rules}), encoding="utf-8")
    except OSError:
        return  # a folder that is read, not run
