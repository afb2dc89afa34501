"""Weights that could not be fetched: an error of its own kind, and a record beside where they belong.

A workflow leaves the models with a record out of its jobs and lists them, so that one repository
that is down does not stop the others. A misfit or a bug is no such thing and leaves no record.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from itcortex.errors import UserError
from itcortex.files import atomic_path


class UnavailableError(UserError):
    """A file that its publisher did not give: no network, a limit, a name it does not know."""


@contextmanager
def recorded(weights: str | Path, source: str) -> Iterator[None]:
    """Record that `weights` are unavailable if the block raises `UnavailableError`; else forget it."""
    try:
        yield
    except UnavailableError as error:
        record_unavailable(weights, str(error), source)
        raise
    record_path(weights).unlink(missing_ok=True)


def record_path(weights: str | Path) -> Path:
    """Where the record of a weights file `.../{model}/{weights}.safetensors` is kept."""
    return Path(weights).with_suffix(".unavailable")


def record_unavailable(weights: str | Path, reason: str, source: str) -> None:
    """Write beside `weights` why they are missing: model, weights, source, reason, when (JSON)."""
    record = {
        "model": Path(weights).parent.name,
        "weights": Path(weights).stem,
        "source": source,
        "reason": reason,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with atomic_path(record_path(weights)) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def unavailable(weights: str | Path, source: str) -> dict | None:
    """The record of a weights file, if there is one and it is of this source; else None.

    So a corrected row of the model table is tried again.
    """
    try:
        record = json.loads(record_path(weights).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return record if record["source"] == source else None
