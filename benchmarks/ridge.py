"""Ridge regression of big recordings beside scikit-learn and himalaya: part of ``make bench``.

22,248 images, 8,600 features, 1,024 sites and 20 penalties (TVSD), and the same with a fourth or an
eighth of the images, features and sites, so that every product takes a 64th or a 512th of the
operations; and 1,000 images, 12,544 features (7 x 7 cells of 256 channels) and 21,059 sites in five
folds (Triple-N; `triplen`), the same of 1,024 sites for peers (`triplen-1024`). Engines take turns on
the same data in the same run, each measurement in a fresh process. The floor is what no exact method
with one decomposition for each training set goes below: X'X once, then eigenvectors and X'Y of each
set, by numpy and scipy. Ours chooses penalties on 4,096 of TVSD's left-out images (the same share of
smaller sizes), `itcortex, all rows` on all, as scikit-learn does: that is equal work. Writes into
results/bench: ridge.csv (every measurement), ridge_ratios.csv (medians; as a multiple of the floor, and
of our times with a sample and with all rows) and ridge_claims.csv.

Options: --quick (an eighth); --sizes eighth fourth full triplen triplen-1024; --peers-at SIZE ... (where
`itcortex, all rows` and peers run too, on one thread in float64); --peers PEER ... (of these alone: one
peer at full size takes hours, none leaves `itcortex, all rows`); --device cuda (ours on a GPU as well;
its time is that on the wall, its r stands beside the CPU's); --threads, --tasks, --dtypes (some of the
cases).
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import encoding
import pandas as pd
from measure_ridge import ALL_ROWS, RidgeCase

from itcortex.running import progress

#: Images, features and sites.
SIZES = {
    "eighth": (2781, 1075, 128), "fourth": (5562, 2150, 256), "full": (22_248, 8600, 1024),
    "triplen": (1000, 12_544, 21_059), "triplen-1024": (1000, 12_544, 1024),
}  # fmt: skip
ONCE = ("full", "triplen")  # measured
LAYERS = 10  # of a network; "minutes" on one core for all of them were asked, here at most these
MINUTES = 30
COLUMNS = ["engine", "task", "images", "features", "sites", "penalties", "threads", "dtype", "device",
           "cpu_seconds", "wall_seconds", "peak_mb", "r"]  # fmt: skip
SIZE = ["task", "images", "features", "sites", "penalties", "threads", "dtype"]
PEERS = ("scikit-learn", "himalaya")


def jobs_of(
    sizes: list[str], peers_at: list[str], device: str, peers: Sequence[str] = PEERS
) -> list[tuple[RidgeCase, int]]:
    """Jobs and how often each is measured: three times, peers and large sizes once."""
    jobs = []
    for size in sizes:
        whole = RidgeCase("itcortex", "split", *SIZES[size])
        repeats = 1 if size in ONCE else 3
        for task in ("folds",) if whole.in_rows else ("split", "folds"):
            for dtype in ("float32", "float64"):
                for threads in (1, 2):
                    job = replace(whole, task=task, dtype=dtype, threads=threads)
                    jobs += [(replace(job, engine="floor"), repeats), (job, repeats)]
                    if device != "cpu" and threads == 1:
                        jobs.append((replace(job, device=device), repeats))
                    if size in peers_at and dtype == "float64" and threads == 1:
                        jobs.append((replace(job, engine=ALL_ROWS), repeats))
                        jobs += [(replace(job, engine=engine), 1) for engine in peers]
    return jobs


def run(jobs: list[tuple[RidgeCase, int]], path: Path) -> pd.DataFrame:
    """Measure all jobs in rounds, so that engines share whatever else the machine is doing.

    What has been measured is written to `path` at once: the full size takes hours.
    """
    rounds = range(max(repeats for _, repeats in jobs))
    turns = [job for turn in rounds for job, repeats in jobs if turn < repeats]
    rows = []
    for job in progress.bar(turns, "ridge benchmark", unit="run"):
        rows.append(asdict(job) | encoding.start(job.command(), job.threads))
        measured = pd.DataFrame(rows)[COLUMNS]
        measured.to_csv(path, index=False, float_format="%.6g")
    return measured


def ratios(measured: pd.DataFrame) -> pd.DataFrame:
    """Medians, as multiples of the floor's time (CPU time on a CPU, else wall) and of both of ours."""
    groups = measured.groupby(["engine", "device", *SIZE], sort=False)
    values = ["cpu_seconds", "wall_seconds", "peak_mb", "r"]
    table = groups[values].median().assign(runs=groups.size()).reset_index()
    keys = pd.MultiIndex.from_frame(table[SIZE])
    on_cpu = table[table.device == "cpu"].set_index(["engine", *SIZE]).cpu_seconds
    seconds = table.cpu_seconds.where(table.device == "cpu", table.wall_seconds)
    of_ours = (("times_itcortex", "itcortex"), ("times_all_rows", ALL_ROWS))
    for column, engine in (("times_floor", "floor"), *of_ours):
        of_engine = on_cpu[engine] if engine in on_cpu.index.levels[0] else pd.Series(dtype=float)
        table[column] = seconds / of_engine.reindex(keys).to_numpy()
    return table.sort_values([*SIZE, "cpu_seconds"]).reset_index(drop=True)


def claims(table: pd.DataFrame) -> pd.DataFrame:
    """What was asked, and what these measurements say of it."""
    rows = []
    for row in table[table.device == "cpu"].to_dict("records"):
        about = (
            f"{row['task']}, {row['images']} x {row['features']} x {row['sites']}, {row['dtype']}, "
            f"{row['threads']} threads"
        )
        size = row["images"], row["features"], row["sites"]
        if row["engine"] == "itcortex" and size == SIZES["triplen"]:
            rows.append((f"peak (MB): {about}", row["peak_mb"], 4000, True))
            minutes = LAYERS * row["cpu_seconds"] / 60
            rows.append((f"minutes of {LAYERS} layers: {about}", minutes, MINUTES, True))
        elif row["engine"] == "itcortex" and row["features"] <= row["images"]:
            rows.append((f"times the floor: {about}", row["times_floor"], 1.5, True))
            if size == SIZES["full"]:
                rows.append((f"peak (MB): {about}", row["peak_mb"], 8000, True))
        if row["engine"] in PEERS:
            name = f"times faster than {row['engine']}, all rows: {about}"
            rows.append((name, row["times_all_rows"], 3, False))
    table = pd.DataFrame(rows, columns=["claim", "found", "asked", "at_most"])
    fewer = table.found <= table.asked
    return table.assign(holds=fewer.where(table.at_most, table.found >= table.asked)).drop(
        columns="at_most"
    )


def main(jobs: list[tuple[RidgeCase, int]], out: str | Path) -> None:
    """Measure, and write the tables."""
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    measured = run(jobs, folder / "ridge.csv")
    table = ratios(measured)
    table.to_csv(folder / "ridge_ratios.csv", index=False, float_format="%.4g")
    found = claims(table)
    found.to_csv(folder / "ridge_claims.csv", index=False, float_format="%.4g")
    print(table.to_string(index=False, float_format="%.3g"))
    print(found.to_string(index=False, float_format="%.3g"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="an eighth of the size")
    sizes = ["fourth", "full", "triplen", "triplen-1024"]
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=sizes)
    with_peers = ["eighth", "fourth", "triplen-1024"]
    parser.add_argument("--peers-at", nargs="*", choices=SIZES, default=with_peers)
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for ours on a GPU as well")
    parser.add_argument("--threads", nargs="+", type=int, choices=(1, 2), default=[1, 2])
    parser.add_argument(
        "--tasks", nargs="+", choices=("split", "folds"), default=["split", "folds"]
    )
    parser.add_argument("--dtypes", nargs="+", default=["float32", "float64"])
    parser.add_argument("--out", default="results/bench", help="folder of the results")
    options = parser.parse_args()
    sizes = ["eighth"] if options.quick else options.sizes
    chosen = [
        (job, repeats)
        for job, repeats in jobs_of(sizes, options.peers_at, options.device, options.peers)
        if job.threads in options.threads
        and job.task in options.tasks
        and job.dtype in options.dtypes
    ]
    main(chosen, options.out)
