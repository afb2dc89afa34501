"""What the responses of each site say of its quality."""

import numpy as np
import pandas as pd

from itcortex.data.recordings import Recording, trial_average
from itcortex.encoding.ceilings import split_half
from itcortex.numerics.metrics import mean_defined
from itcortex.numerics.ranks import correlate_ranks, unit_ranks

#: A site whose standard deviation is so many times the median of all is loud.
LOUD = 10
#: Rank correlation with time in the session from which a site drifts, and standard errors it must reach.
DRIFTS, STANDARD_ERRORS = 0.2, 4
_MOST_NAMED = 8


def table(
    recording: Recording, average: np.ndarray, window, splits: int, seed: int
) -> pd.DataFrame:
    """A row for each site.

    Columns: `site`; `mean`, `sd`, `lowest`, `highest` over images and positions of the responses in
    the window; `zeros`, the share of them that are exactly 0; `reliability`, split halves corrected
    by Spearman-Brown, or what the file states, NaN where neither is known; `drift`, Spearman's rank
    correlation of time in the session with what a response differs from its image's mean, NaN
    without times; `constant`, `loud`, `drifts`.
    """
    n_sites = len(recording.site_ids)
    flat = average.reshape(-1, n_sites)
    constant = flat.min(0) == flat.max(0)
    sd = flat.std(0)
    usual = np.median(sd[~constant]) if (~constant).any() else np.nan
    drift, n_timed = _drift(recording, average, window)
    limit = max(DRIFTS, STANDARD_ERRORS / np.sqrt(n_timed)) if n_timed else np.inf
    return pd.DataFrame(
        {
            "site": recording.site_ids, "mean": flat.mean(0), "sd": sd, "lowest": flat.min(0),
            "highest": flat.max(0), "zeros": (flat == 0).mean(0),
            "reliability": _reliability(recording, window, splits, seed), "drift": drift,
            "constant": constant, "loud": sd > LOUD * usual,
            "drifts": np.abs(np.nan_to_num(drift)) > limit,
        }
    )  # fmt: skip


def _reliability(recording: Recording, window, splits: int, seed: int) -> np.ndarray:
    if recording.trials is None:
        stated = recording.stated_reliability
        return np.full(len(recording.site_ids), np.nan) if stated is None else stated
    trials = trial_average(recording, window)
    return split_half(trials.reshape(-1, *trials.shape[3:]), splits, np.random.default_rng(seed))


def time_course(recording: Recording) -> tuple[np.ndarray, np.ndarray] | None:
    """Starts of the time bins, ms after stimulus onset, and the mean response in each (bin,).

    None for a recording without time, or without the length of its bins.
    """
    about = recording.attributes
    if not (recording.has_time and about.get("ms_bin")):
        return None
    starts = about["ms_start"] + about["ms_bin"] * np.arange(recording.responses.shape[3])
    return starts, recording.responses.mean((0, 1, 2, 4), dtype=np.float64)


def timed(recording: Recording, average: np.ndarray, window) -> tuple[np.ndarray, np.ndarray]:
    """Times (presentation,), sorted, and what every response then differs from its image's mean.

    The differences are (presentation, site), means over positions, in standard deviations over images.
    Both are empty where no times are known, and where the responses at these times are not.
    """
    n_sites = len(recording.site_ids)
    started = recording.started
    if started is None or (recording.trials is None and started.shape[1] > 1):
        return np.empty(0), np.empty((0, n_sites))
    if recording.trials is None:
        values = average.mean((1, 2))[..., None]
        values = values - values.mean(0)
    else:
        started = started[recording.with_trials]
        values = trial_average(recording, window).mean((1, 2))
        values = values - mean_defined(values)[..., None]
    known = np.isfinite(started) & np.isfinite(values).all(1)
    order = np.argsort(started[known], kind="stable")
    spread = average.reshape(-1, n_sites).std(0)
    differences = values.transpose(0, 2, 1)[known][order] / np.where(spread > 0, spread, 1)
    return started[known][order], differences


def _drift(recording: Recording, average: np.ndarray, window) -> tuple[np.ndarray, int]:
    times, differences = timed(recording, average, window)
    drift = np.full(differences.shape[1], np.nan)
    if len(times) < 3:
        return drift, 0
    ranks = unit_ranks(times)
    for site, values in enumerate(differences.T):
        drift[site] = correlate_ranks(ranks, unit_ranks(values))
    return drift, len(times)


def facts(sites: pd.DataFrame) -> dict:
    """Numbers over all sites, and names of those that stand out."""
    reliability = sites["reliability"].median()
    apart = {
        name: sites["site"][sites[column]].tolist()
        for name, column in (
            ("constant_sites", "constant"),
            ("loud_sites", "loud"),
            ("drifting_sites", "drifts"),
        )
    }
    known = None if np.isnan(reliability) else round(float(reliability), 6)
    return {"median_reliability": known, **apart}


def problems(
    sites: pd.DataFrame, average: np.ndarray, names: tuple[str, ...]
) -> list[tuple[str, str, bool]]:
    """(what, remedy, whether it stops) for everything that is wrong with sites."""
    found = []
    constant = sites["site"][sites["constant"]].tolist()
    if constant:
        stops = len(constant) == len(sites)
        what = f"{len(constant)} of {len(sites)} sites never change: {_named(constant)}"
        remedy = (
            "check that the file holds responses" if stops else "nothing to do: they have no score"
        )
        found.append((what, remedy, stops))
    loud = sites["site"][sites["loud"]].tolist()
    if loud:
        found.append((
            f"{len(loud)} sites vary more than {LOUD} times as much as the median site: "
            f"{_named(loud)}",
            "bring all sites to one unit: PLS is not scaled, and loud sites cost the others score",
            False,
        ))  # fmt: skip
    if drifting := sites["site"][sites["drifts"]].tolist():
        found.append((
            f"responses of {len(drifting)} sites drift over the session: {_named(drifting)}",
            "compare the first with the last trials; leave those sites out if units were lost",
            False,
        ))  # fmt: skip
    if twice := _equal(
        average.reshape(-1, average.shape[-1]).T, names, sites["constant"].to_numpy()
    ):
        found.append((
            "sites with the same responses throughout: "
            f"{_named([' = '.join(pair) for pair in twice])}",
            "delete the copies: they make ceilings of other sites too high",
            False,
        ))  # fmt: skip
    return found


def _equal(rows: np.ndarray, names: tuple[str, ...], without: np.ndarray) -> list[tuple[str, ...]]:
    """Names of rows that are equal, those in `without` aside."""
    by_row: dict[bytes, list[str]] = {}
    for row, name, skipped in zip(rows, names, without, strict=True):
        if not skipped:
            by_row.setdefault(np.ascontiguousarray(row).tobytes(), []).append(name)
    return [tuple(several) for several in by_row.values() if len(several) > 1]


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(map(str, names[:_MOST_NAMED])) + more
