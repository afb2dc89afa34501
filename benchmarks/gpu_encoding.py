"""Part of `gpu.py`: PLS and scaling ridge on a GPU: time, memory, and how far scores are from the CPU's.

Ridge at TVSD's size (22,248 images, 8,600 features, 1,024 sites, 20 penalties, 100 test images or five
folds) and at a fourth of each number, where the CPU is fast enough for every comparison; PLS on a grid
of 17 x 17 (14 images, leave one out) and at TVSD's size with 100 test images. Data are those of
`ridge.py` and `encoding.py`.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import lru_cache, partial

import measure_encoding
import measure_ridge
import numpy as np
from gpu_case import Case, Run
from measure_encoding import FitCase
from measure_ridge import RidgeCase

from itcortex.numerics.metrics import pearson
from itcortex.regression import pls
from itcortex.regression.design import Design, Problem

FULL, FOURTH, TINY = (22_248, 8600, 1024), (5562, 2150, 256), (300, 40, 8)
COMPONENTS = 25
#: What was asked of scores on a GPU beside those on the CPU.
TOLERANCES = {"float32": 1e-4, "float64": 1e-8}


def cases(run: Run) -> Iterator[Case]:
    """What is cheap first; seconds are for an H200 with 16 cores."""
    small = TINY if run.tiny else FOURTH
    for task in ("split", "folds"):
        for dtype in TOLERANCES:
            yield _ridge(run, small, task, dtype, 15, compared=True)
    channels = (16,) if run.tiny else (768, 4096)
    for count in channels:
        yield Case(f"pls grid {count}", 10, partial(_pls_grid, run, count))
    if run.tiny:
        return
    yield _ridge(run, FULL, "split", "float32", 20)
    yield _ridge(run, FULL, "split", "float64", 30)
    yield Case("pls full", 60, partial(_pls_wide, run))
    yield _ridge(run, FULL, "folds", "float32", 60)
    yield _ridge(run, FULL, "split", "float32", 90, compared=True)
    yield _ridge(run, FULL, "folds", "float64", 100)


def _ridge(
    run: Run, size: tuple, task: str, dtype: str, seconds: float, compared: bool = False
) -> Case:
    job = RidgeCase("itcortex", task, *size, dtype=dtype, device=run.device)
    name = f"ridge {task} {dtype} {size[0]}" + (" and the CPU" if compared else "")
    return Case(name, seconds, partial(_ridge_rows, run, job, compared))


def _ridge_rows(run: Run, job: RidgeCase, compared: bool) -> list[dict]:
    x, y, shares = _ridge_data(job.task, job.images, job.features, job.sites)
    tiny = RidgeCase("itcortex", job.task, 60, 8, 2, 3, dtype=job.dtype, device=job.device)
    measure_ridge.itcortex(tiny, *measure_ridge.make_data(tiny))  # libraries are then loaded
    observed = np.concatenate([y[share.test] for share in shares])
    parts = np.repeat(np.arange(len(shares)), [len(share.test) for share in shares])

    def fit(device: str) -> np.ndarray:
        one = RidgeCase(**asdict(job) | {"device": device})
        return np.concatenate(measure_ridge.itcortex(one, x, y, shares))

    about = {"mapping": "ridge", "task": job.task, "images": job.images, "features": job.features,
             "sites": job.sites, "penalties": job.penalties, "precision": job.dtype}  # fmt: skip
    return _rows(run, about, fit, observed, parts, compared)


@lru_cache(maxsize=2)
def _ridge_data(task: str, *size: int) -> tuple:
    return measure_ridge.make_data(RidgeCase("itcortex", task, *size))


def _pls_grid(run: Run, channels: int) -> list[dict]:
    images, grid, sites = (4, 5, 3) if run.tiny else (14, 17, 32)
    job = FitCase("itcortex", images, grid, 14, channels, sites, folds=images)
    maps, responses, fold_of = measure_encoding.make_data(job)
    observed = responses[0].reshape(-1, sites)
    parts = np.repeat(fold_of, grid**2)

    def fit(device: str) -> np.ndarray:
        there = None if device == "cpu" else device
        found = measure_encoding.itcortex(job, maps, responses, fold_of, device=there)
        return found.reshape(observed.shape)

    about = {"mapping": "pls", "task": "folds", "images": images, "features": channels, "grid": grid,
             "sites": sites, "components": job.components, "precision": "float64"}  # fmt: skip
    fit(run.device)  # libraries are then loaded
    return _rows(run, about, fit, observed, parts, compared=True)


def _pls_wide(run: Run) -> list[dict]:
    x, y, (share,) = _ridge_data("split", *FULL)
    order = np.concatenate([share.train, share.test])
    rows = x[order].astype(np.float64)
    rows -= rows.mean(0)
    design = Design(rows, np.ones(len(rows)), np.array([0, len(share.train), len(rows)]))
    responses = y[None, order].astype(np.float64)

    def fit(device: str) -> np.ndarray:
        there = None if device == "cpu" else device
        asked = (design, responses, [Problem(0, (1,))], COMPONENTS)
        return next(pls.fit_held_out(*asked, device=there)).predictions

    about = {"mapping": "pls", "task": "split", "images": FULL[0], "features": FULL[1],
             "sites": FULL[2], "components": COMPONENTS, "precision": "float64"}  # fmt: skip
    parts = np.zeros(len(share.test), dtype=int)
    return _rows(run, about, fit, y[share.test], parts, compared=True)


def _rows(
    run: Run, about: dict, fit: Callable, observed: np.ndarray, parts: np.ndarray, compared: bool
) -> list[dict]:
    """One row for the device, and one for the CPU if it is to be compared."""
    rows, scores = [], []
    for device in [run.device, "cpu"] if compared else [run.device]:
        found = []
        held = run.held_mb()
        run.begin_peak()
        seconds = run.seconds(lambda device=device, found=found: found.append(fit(device)))
        scores.append(_r(observed, found[0], parts))
        row = {"on": device, "seconds": seconds, "r": np.median(scores[-1])}
        rows.append(about | row | {"peak_mb": run.peak_mb(held) if device != "cpu" else np.nan})
    if compared:
        difference = np.nanmax(np.abs(scores[0] - scores[1]))
        asked = TOLERANCES[about["precision"]]
        rows[0] |= {"difference": difference, "asked": asked, "holds": difference <= asked}
    return rows


def _r(observed: np.ndarray, predicted: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Pearson's r (part, site) of held-out predictions."""
    return np.stack(
        [pearson(observed[parts == part], predicted[parts == part]) for part in np.unique(parts)]
    )
