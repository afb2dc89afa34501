"""Weights that could not be fetched: an error of its own kind, and a record beside where they belong.

A workflow leaves the models with a record out of its jobs and lists them, so that one repository
that is down does not stop the others. A misfit or a bug is no such thing and leaves no record.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from itcortex.data.registry import urls_of
from itcortex.downloads.fetch import in_mirror
from itcortex.errors import UserError
from itcortex.store import atomic_path


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


def missing(rows: list[dict], datasets: dict, results: str | Path) -> dict[tuple[str, str], str]:
    """Why weights are missing, by (model, weights), for the rows of a model table.

    Those that could not be fetched have a record. Those that are read from a file of a dataset
    (`data:`) are also missing if that file is neither here, nor published, nor in the mirror.
    """
    found = {}
    for row in rows:
        weights = Path(results, "weights", row["model"], f"{row['weights']}.safetensors")
        if weights.exists():
            continue
        record = unavailable(weights, row["source"])
        reason = record["reason"] if record else _unpublished(row["source"], datasets, results)
        if reason:
            found[row["model"], row["weights"]] = reason
    return found


def _unpublished(source: str, datasets: dict, results: str | Path) -> str | None:
    """Why a file of a dataset cannot be had, or None if it can be or is no such source."""
    kind, _, rest = source.partition(":")
    dataset, _, file = rest.partition("/")
    if kind != "data" or urls_of(datasets[dataset]["files"][file]):
        return None
    here, mirrored = Path(results, "data", dataset, file), in_mirror(f"{dataset}/{file}")
    if here.exists() or isinstance(mirrored, str) or (mirrored and mirrored.exists()):
        return None
    return f"{rest} is not published; set `mirror` to a folder or address that holds it"
