"""Weights that could not be fetched: an error class for them, and a record in their place.

The workflow leaves models with such a record out of its jobs and lists them, so that one repository that
is down does not stop the others. Weights that do not fit, and bugs, leave no record.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from itcortex.errors import UserError
from itcortex.files import atomic_path


class UnavailableError(UserError):
    """A file that its publisher did not give: no network, a rate limit, a name that it does not know."""


@contextmanager
def recorded(weights: str | Path, source: str) -> Iterator[None]:
    """Record that `weights` are unavailable if the block raises `UnavailableError`; else delete it."""
    try:
        yield
    except UnavailableError as error:
        record_unavailable(weights, str(error), source)
        raise
    record_path(weights).unlink(missing_ok=True)


def record_path(weights: str | Path) -> Path:
    """Path of the record of a weights file `.../{model}/{weights}.safetensors`."""
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
    """The record of a weights file, if there is one for this source; else None.

    The source matters so that a corrected row of the model table is tried again.
    """
    try:
        record = json.loads(record_path(weights).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return record if record["source"] == source else None
