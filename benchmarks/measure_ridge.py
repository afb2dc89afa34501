"""One measurement of ridge regression with a penalty for every site, in a process of its own.

Started by `ridge.py`. Every engine starts from the same features and responses and ends with predictions
of the held-out images; penalties are chosen for every site on training images alone.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass

import numpy as np
from measure_encoding import peak_mb
from scipy.linalg import eigh

from itcortex.numerics.metrics import pearson
from itcortex.regression.ridge_spectral import HeldOutFits, Share

#: Left-out rows of the full size; smaller ones leave out the same share, few images all of theirs.
INNER_ROWS, FULL_ROWS = 4096, 22_248
TESTED = 100  # images of a fixed split
ALL_ROWS = "itcortex, all rows"
_SITES = 1024  # that are made at a time


@dataclass(frozen=True)
class RidgeCase:
    """What is measured: one engine on one size; `task` is `split` (100 test images) or `folds` (5)."""

    engine: str
    task: str
    images: int
    features: int
    sites: int
    penalties: int = 20
    threads: int = 1
    dtype: str = "float64"
    device: str = "cpu"

    def command(self) -> list[str]:
        """Command line that measures this job."""
        return [sys.executable, __file__, json.dumps(asdict(self))]

    @property
    def left_out(self) -> int:
        """Training images whose left-out errors choose penalties; `itcortex, all rows` takes all."""
        if self.engine == ALL_ROWS or self.in_rows:
            return self.images
        return round(self.images * INNER_ROWS / FULL_ROWS)

    @property
    def in_rows(self) -> bool:
        """Whether there are more features than images, so that products are those of images."""
        return self.features > self.images

    @property
    def grid(self) -> np.ndarray:
        """Penalties in units of the mean eigenvalue."""
        return np.logspace(-3, 4, self.penalties)


def make_data(job: RidgeCase) -> tuple[np.ndarray, np.ndarray, list[Share]]:
    """Features with a spectrum that falls as 1 / k, sites with half noise, training and test rows."""
    rng = np.random.default_rng(0)
    rows = job.images + (TESTED if job.task == "split" else 0)
    x = rng.standard_normal((rows, job.features), np.float32)
    x *= np.arange(1, job.features + 1, dtype=np.float32) ** -0.5
    y = np.empty((rows, job.sites), np.float32)
    for start in range(0, job.sites, _SITES):
        weights = rng.standard_normal((job.features, min(_SITES, job.sites - start)))
        y[:, start : start + _SITES] = x @ weights.astype(np.float32)
    y += y.std() * rng.standard_normal(y.shape, np.float32)
    index = np.arange(rows)
    if job.task == "split":
        return x, y, [Share(index[: job.images], index[job.images :])]
    return x, y, [Share(index[index % 5 != fold], index[index % 5 == fold]) for fold in range(5)]


def itcortex(job, x, y, shares):
    """Ours: products once, then eigenvectors and left-out errors of every share."""
    fits = HeldOutFits(
        x, job.grid, inner_rows=job.left_out, dtype=job.dtype, device=job.device, shares=shares
    )  # fmt: skip
    return [found.predictions for found in fits.fit([y], shares)]


def floor(job, x, y, shares):
    """X'X once, and for every share its eigenvectors and X'Y, by numpy and scipy; no prediction.

    With more features than images XX', and the eigenvectors' product with Y.
    """
    x, y = x.astype(job.dtype), y.astype(job.dtype)
    x -= x.mean(0)
    gram = x @ x.T if job.in_rows else x.T @ x
    for share in shares:
        part = gram[np.ix_(share.train, share.train)] if job.in_rows else gram
        found = eigh(part.T.copy(order="F"), driver="evd", overwrite_a=True, check_finite=False)
        trained = x if len(share.train) == len(x) or job.in_rows else x[share.train]
        _ = (found[1] if job.in_rows else trained).T @ y[share.train]


def _unit(x):
    centred = x - x.mean(0)
    return float(np.vdot(centred, centred)) / min(x.shape)


def scikit_learn(job, x, y, shares):
    """scikit-learn's RidgeCV: leave-one-out on all training rows."""
    from sklearn.linear_model import RidgeCV  # noqa: PLC0415 - for this engine alone

    found = []
    for share in shares:
        train = x[share.train].astype(job.dtype)
        model = RidgeCV(_unit(train) * job.grid, alpha_per_target=True)
        model.fit(train, y[share.train].astype(job.dtype))
        found.append(model.predict(x[share.test].astype(job.dtype)))
    return found


def himalaya(job, x, y, shares):
    """himalaya's RidgeCV on its numpy back end, with its own five folds of the training rows.

    With more features than images its KernelRidgeCV, as its authors advise.
    """
    from himalaya.kernel_ridge import KernelRidgeCV  # noqa: PLC0415 - for this engine alone
    from himalaya.ridge import RidgeCV  # noqa: PLC0415

    found, engine = [], KernelRidgeCV if job.in_rows else RidgeCV
    for share in shares:
        train = x[share.train].astype(job.dtype)
        model = engine(alphas=_unit(train) * job.grid, fit_intercept=True, cv=5)
        model.fit(train, y[share.train].astype(job.dtype))
        found.append(model.predict(x[share.test].astype(job.dtype)))
    return found


ENGINES = {
    "floor": floor, "itcortex": itcortex, ALL_ROWS: itcortex, "scikit-learn": scikit_learn,
    "himalaya": himalaya,
}  # fmt: skip


def measure(job: RidgeCase) -> dict:
    """Seconds, peak memory above that of the loaded libraries, and median r of the predictions."""
    function = ENGINES[job.engine]
    tiny = RidgeCase(job.engine, job.task, 60, 8, 2, 3, dtype=job.dtype, device=job.device)
    function(tiny, *make_data(tiny))  # imports, threads and libraries are then loaded
    before = peak_mb()
    x, y, shares = make_data(job)
    cpu, wall = time.process_time(), time.perf_counter()
    predictions = function(job, x, y, shares)
    seconds = {
        "cpu_seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - wall,
    }
    r = float("nan")
    if predictions is not None:
        pairs = zip(shares, predictions, strict=True)
        r = np.median([pearson(y[share.test], values) for share, values in pairs])
    return {**seconds, "peak_mb": peak_mb() - before, "r": float(r)}


if __name__ == "__main__":
    print(json.dumps(measure(RidgeCase(**json.loads(sys.argv[1])))))
