"""One measurement of one encoding engine, in a process of its own (started by `encoding.py`).

Every engine starts from the same native maps and responses and ends with held-out predictions of
every image at every grid position. A fresh process keeps BLAS threads and peak memory honest.
"""

import contextlib
import json
import resource
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from sklearn.cross_decomposition import PLSRegression

from itcortex import store
from itcortex.mappings.features import build_design, grid_features
from itcortex.mappings.folds import single_problems
from itcortex.mappings.pls import fit_layer
from itcortex.numerics.metrics import pearson
from itcortex.numerics.resample import resize_maps
from itcortex.regression import pls


@dataclass(frozen=True)
class FitCase:
    """What is measured: one engine on one size of problem.

    `grid` 1 is a recording without a grid: `channels` is the number of features of an image.
    `activations` and `layer` name a layer of a real model in place of random maps.
    """

    engine: str
    images: int
    grid: int
    native: int
    channels: int
    sites: int = 32
    folds: int = 14
    targets: int = 1
    threads: int = 1
    components: int = 25
    activations: str = ""
    layer: str = ""

    def command(self) -> list[str]:
        """Command line that measures this job."""
        return [sys.executable, __file__, json.dumps(asdict(self))]


def make_data(job: FitCase) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Maps (image, h, w, channel), responses (target, image, y, x, site), fold of every image.

    Random maps with a decaying spectrum; sites read some channels, with as much noise as signal.
    """
    rng = np.random.default_rng(0)
    if job.layer:
        maps = store.open_activations(job.activations).read(job.layer, list(range(job.images)))
    elif job.grid == 1:
        maps = rng.standard_normal((job.images, job.channels), np.float32)
    else:
        shape = (job.images, job.native, job.native, job.channels)
        maps = rng.standard_normal(shape, np.float32)
        maps *= np.exp(-3 * np.arange(job.channels, dtype=np.float32) / job.channels)
    read = maps[..., :64].astype(float)
    shown = read[:, None, None] if job.grid == 1 else resize_maps(read, (job.grid, job.grid))
    weights = rng.standard_normal((job.targets, shown.shape[-1], job.sites))
    responses = np.einsum("iyxc,tcs->tiyxs", shown, weights, optimize=True)
    responses += responses.std() * rng.standard_normal(responses.shape)
    return maps, responses, np.arange(job.images) % job.folds


def itcortex(job, maps, responses, fold_of, rule=None, device=None):
    """Ours, predictions only: every fold of every target."""
    rows, basis = grid_features(maps, (job.grid, job.grid))
    design, order = build_design(rows, basis, fold_of)
    in_order = responses[:, order].reshape(job.targets, job.images, -1, job.sites)
    coordinates = np.einsum("gr,tigs->tirs", basis, in_order, optimize=True)
    problems = [p for target in range(job.targets) for p in single_problems(job.folds, target)]
    fits = pls.fit_held_out(
        design, coordinates.reshape(job.targets, -1, job.sites), problems, job.components,
        rule, device,
    )  # fmt: skip
    predictions = np.empty((job.images, job.grid**2, job.sites))
    for fit in fits:
        values = fit.predictions.reshape(-1, basis.shape[1], job.sites)
        on_grid = np.einsum("gr,irs->igs", basis, values, optimize=True)
        if fit.problem.target == 0:
            predictions[fold_of == fit.problem.held_out[0]] = on_grid
    return predictions


def whole_layer(job, maps, responses, fold_of):
    """Ours, all that a job of the workflow does with a layer: nested choice and every metric."""
    return fit_layer(maps, responses, fold_of, job.components).predictions


def scikit_learn(job, maps, responses, fold_of, tol=1e-4):
    """scikit-learn's PLSRegression on resampled features, fold by fold."""
    x, y, fold = _resampled(job, maps, responses, fold_of)
    predictions = np.empty_like(y)
    for held in range(job.folds):
        model = PLSRegression(job.components, scale=False, tol=tol, max_iter=500)
        model.fit(x[fold != held], y[fold != held])
        predictions[fold == held] = model.predict(x[fold == held])
    return predictions


def ikpls(job, maps, responses, fold_of, algorithm):
    """ikpls's fast cross-validation on resampled features, in one process."""
    from ikpls.fast_cross_validation.numpy import PLS  # noqa: PLC0415 - for this engine alone

    x, y, fold = _resampled(job, maps, responses, fold_of)
    model = PLS(algorithm=algorithm, scale_X=False, scale_Y=False)
    with contextlib.redirect_stdout(sys.stderr):
        held = model.cross_validate(
            x, y, job.components, fold, lambda _, predicted: predicted[-1], n_jobs=1, verbose=0
        )
    predictions = np.empty_like(y)
    for key, values in held.items():
        predictions[fold == key] = values
    return predictions


def _resampled(job, maps, responses, fold_of):
    """Features and responses of the first target at every position, and the fold of every row."""
    features = resize_maps(maps, (job.grid, job.grid)).reshape(-1, maps.shape[-1])
    return features, responses[0].reshape(-1, job.sites), np.repeat(fold_of, job.grid**2)


#: Engine -> (function, its options, inner rule)
ENGINES = {
    "itcortex": (itcortex, {}, "exact"),
    "itcortex-nipals": (itcortex, {"rule": pls.Nipals(1e-4)}, "nipals 1e-4"),
    "itcortex-cuda": (itcortex, {"device": "cuda"}, "exact"),
    "itcortex-layer": (whole_layer, {}, "exact"),
    "scikit-learn": (scikit_learn, {}, "nipals 1e-4"),
    "ikpls-1": (ikpls, {"algorithm": 1}, "exact"),
    "ikpls-2": (ikpls, {"algorithm": 2}, "exact"),
}


def warm_up(engine: str) -> None:
    """Run the engine once on next to nothing: imports, threads and libraries are then loaded."""
    tiny = FitCase(engine, images=3, grid=2, native=2, channels=4, sites=2, folds=3, components=1)
    function, options, _ = ENGINES[engine]
    function(tiny, *make_data(tiny), **options)


def peak_mb() -> float:
    """Largest resident memory of this process so far (MB)."""
    if sys.platform == "linux":  # ru_maxrss begins at the size of the process that started this one
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def measure(job: FitCase) -> dict:
    """Seconds, peak memory above that of the loaded libraries, and median r of the predictions."""
    function, options, rule = ENGINES[job.engine]
    warm_up(job.engine)
    before = peak_mb()
    maps, responses, fold_of = make_data(job)
    cpu, wall = time.process_time(), time.perf_counter()
    predictions = function(job, maps, responses, fold_of, **options)
    seconds = {
        "cpu_seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - wall,
    }
    shape = (job.images, -1, job.sites)
    recorded, predicted = responses[0].reshape(shape), np.asarray(predictions).reshape(shape)
    if job.grid == 1:
        recorded, predicted = (a.reshape(1, -1, job.sites) for a in (recorded, predicted))
    r = np.median([pearson(*pair) for pair in zip(recorded, predicted, strict=True)])
    return {"rule": rule, **seconds, "peak_mb": peak_mb() - before, "r": float(r)}


def machine(threads: int) -> dict:
    """Peak of a square matrix product (GFLOP/s, best of ten) and what runs it."""
    rng = np.random.default_rng(0)
    size, best = 2000, np.inf
    a, b = rng.standard_normal((2, size, size))
    for _ in range(10):
        start = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - start)
    return {"threads": threads, "gflops": 2 * size**3 / best / 1e9}


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    print(json.dumps(measure(FitCase(**asked)) if "engine" in asked else machine(**asked)))
