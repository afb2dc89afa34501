"""How the memory and time of the collectors of scores grow with jobs and with rows of a job.

    python benchmarks/collectors.py [--jobs 45 450 4500] [--sites 40] [--windows 1] [--draws 20]

Raw scores are made as `fit_encoding` writes them: ten layers, five folds, one control with 20
permutations, thirty recordings; nothing was measured. `collect` is what rule collect_scores does with
them: every job's rows in blocks, summarised, its part of the table `scores` written. `compare` is rule
compare_models. Each runs in a process of its own, once for each number of jobs. Writes
results/bench/collectors.csv: rows, size on disk, peak memory, CPU seconds, machine.
"""

import argparse
import multiprocessing
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.encoding.raw_scores import raw_scores
from itcortex.encoding.targets import Target
from itcortex.mappings.layer_scores import LayerScores
from itcortex.numerics.metrics import METRICS
from itcortex.tables.streamed import as_texts, summarise
from itcortex.tables.summary import describe_models

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path += [str(REPOSITORY / "tests"), str(REPOSITORY / "scripts")]
import compare_models  # noqa: E402
from made.tables import DESCRIPTION  # noqa: E402

RECORDINGS = tuple(f"r{k:02d}" for k in range(30))
LAYERS, FOLDS, PERMUTATIONS = 10, 5, 20


def write_jobs(folder: Path, jobs: int, sites: int, windows: int) -> None:
    """Raw scores of so many jobs, and the table of their models."""
    rng = np.random.default_rng(0)
    names = [f"net{k // len(RECORDINGS):05d}" for k in range(jobs)]
    for number in range(jobs):
        labels = {
            "recording": RECORDINGS[number % len(RECORDINGS)], "model": names[number], "weights": "w",
            "protocol": "corrected", "mapping": "pls",
        }  # fmt: skip
        store.write_blocks(folder / f"{number:05d}.parquet", _layers(rng, labels, sites, windows))
    models = [{"model": name, "weights": "w"} | DESCRIPTION for name in dict.fromkeys(names)]
    store.write_table(folder / "models.parquet", pd.DataFrame(models))


def _layers(rng: np.random.Generator, labels: dict, sites: int, windows: int):
    """A job's rows: windows of all layers, then the control of those that were chosen."""
    real = [Target((10 * k, 10 * k + 10), main=k == 0) for k in range(windows)]
    control = [Target(real[0].window, "shuffled_images", True, k) for k in range(PERMUTATIONS)]
    depths = dict(zip(map("layer{}".format, range(LAYERS)), np.linspace(0, 1, LAYERS), strict=True))
    folds, names = [f"f{k}" for k in range(FOLDS)], [f"s{k:05d}" for k in range(sites)]
    chosen = rng.integers(3, 6, FOLDS)
    for targets in (real, control):
        shape = (len(targets), FOLDS, sites)
        results = [
            LayerScores({name: rng.normal(0.4, 0.2, shape) for name in METRICS}, None)
            for _ in range(LAYERS)
        ]
        table = raw_scores(labels, targets, depths, results, chosen, folds, names)
        yield table if targets is real else table[table["chosen"]]


def collect(folder: Path, paths: list[Path], draws: int) -> None:
    """What collect_scores does with the rows of all jobs."""
    known, rng = store.read_table(folder / "models.parquet"), np.random.default_rng(0)
    by_model, by_kind = [], []

    def of_layers() -> Iterator[pd.DataFrame]:
        for path in paths:
            of_job = summarise(store.read_blocks(path), draws, rng)
            by_model.append(of_job.by_model)
            by_kind.append(of_job.by_kind)
            yield describe_models(as_texts(of_job.by_fold), known)

    store.write_blocks(folder / "scores.parquet", of_layers())
    for parts in (by_model, by_kind):
        describe_models(pd.concat(parts, ignore_index=True), known)


def compare(folder: Path, paths: list[Path], draws: int) -> None:
    """Rule compare_models."""
    known = {store.read_constants(path, ["recording"])["recording"] for path in paths}
    compare_models.main(
        paths, folder / "models.parquet", folder / "pairs.parquet", folder / "h.parquet",
        folder / "h.csv", folder / "counts.parquet", splits=dict.fromkeys(known, "5"),
        draws=draws, seed=0,
    )  # fmt: skip


def measured(work: Callable, folder: Path, draws: int) -> dict:
    """Peak memory and CPU seconds of one piece of work in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_run, (work, folder, draws))


def _run(work: Callable, folder: Path, draws: int) -> dict:
    paths = sorted(folder.glob("[0-9]*.parquet"))
    before, cpu = _peak_mb(), time.process_time()
    work(folder, paths, draws)
    return {
        "work": work.__name__, "jobs": len(paths),
        "rows": sum(store.count_rows(path) for path in paths),
        "mb_on_disk": round(sum(path.stat().st_size for path in paths) / 1e6),
        "packages_mb": before, "peak_mb": _peak_mb(),
        "cpu_s": round(time.process_time() - cpu, 1),
    }  # fmt: skip


def _peak_mb() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, nargs="+", default=[45, 450, 4500])
    parser.add_argument("--sites", type=int, default=40)
    parser.add_argument("--windows", type=int, default=1)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="45 jobs only")
    options = parser.parse_args()
    rows = []
    for jobs in options.jobs[:1] if options.quick else options.jobs:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            write_jobs(folder, jobs, options.sites, options.windows)
            for work in (collect, compare):
                about = {"sites": options.sites, "windows": options.windows, "draws": options.draws}
                rows.append(measured(work, folder, options.draws) | about)
                print(rows[-1], flush=True)
    table = pd.DataFrame(rows).assign(machine=f"{platform.machine()}, {os.cpu_count()} cores")
    target = REPOSITORY / "results" / "bench" / "collectors.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(target, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
