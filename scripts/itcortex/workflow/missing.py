"""Models whose weights cannot be had, and why."""

from pathlib import Path

from itcortex.data.registry import urls_of
from itcortex.downloads.fetch import in_mirror
from itcortex.weights.availability import unavailable
from itcortex.workflow import paths


def missing(rows: list[dict], datasets: dict, results: str | Path) -> dict[tuple[str, str], str]:
    """Why weights are missing, by (model, weights), for the rows of a model table.

    Those that could not be fetched have a record. Those that are read from a file of a dataset
    (`data:`) are also missing if that file is neither here, nor published, nor in the mirror.
    """
    found = {}
    for row in rows:
        names = {"model": row["model"], "weights": row["weights"]}
        weights = paths.below(results, paths.WEIGHTS, **names)
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
    here = paths.below(results, paths.DATA, dataset=dataset, file=file)
    mirrored = in_mirror(f"{dataset}/{file}")
    if here.exists() or isinstance(mirrored, str) or (mirrored and mirrored.exists()):
        return None
    return f"{rest} is not published; set `mirror` to a folder or address that holds it"
