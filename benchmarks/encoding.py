"""Benchmark of the encoding engine beside scikit-learn and ikpls: ``make bench``.

All engines take turns on the same data in the same run, each measurement in a fresh process. Writes
into results/bench: encoding.csv (every measurement), encoding_ratios.csv (medians, and how many times
our time a peer takes), claims.csv (what was asked, what was found) and machine.json. CPU time counts:
wall time too is written, but on a shared machine says little.

Options: --quick (small sizes, under three minutes); --activations FILE ... (written by
extract_activations; measures our engine on every layer with a map).
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, astuple, replace
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from measure_encoding import ENGINES, FitCase

from itcortex import store
from itcortex.running import progress

HERE = Path(__file__).resolve().parent
SIZE = ["images", "grid", "native", "channels", "sites", "folds", "targets", "threads"]
COLUMNS = ["engine", "rule", *SIZE, "cpu_seconds", "wall_seconds", "peak_mb", "xtx_multiple", "r"]
OURS = ("itcortex", "itcortex-nipals")
PEERS = ("ikpls-1", "ikpls-2", "scikit-learn")
#: Layers of 135 models, ten each, on three arrays.
WHOLE_TABLE = 135 * 10 * 3


def jobs_of(quick: bool) -> list[tuple[FitCase, int]]:
    """Jobs and how often each is measured; peers less often, as they take minutes."""
    sizes = [
        FitCase("itcortex", 14, 17, native, channels, threads=threads)
        for threads in (1, 2)
        for native in (7, 14)
        for channels in (256, 768, 2048, 4096)
    ]
    if quick:  # scikit-learn takes 3 s at C = 256, 18 s at C = 768
        sizes = [s for s in sizes if (s.channels == 256 and s.native == 14) or s.threads == 1]
        sizes = [s for s in sizes if (s.native, s.channels) in [(7, 256), (14, 256), (14, 768)]]
    ours, theirs = (2, 1) if quick else (5, 2)
    jobs = [(replace(s, engine=engine), ours) for s in sizes for engine in OURS]
    jobs += [(replace(s, engine=engine), theirs) for s in sizes for engine in PEERS]
    jobs.sort(key=lambda job: astuple(replace(job[0], engine="")))  # the same data, one by one
    windows = FitCase("itcortex", 14, 17, 14, 2048)
    jobs += [(replace(windows, targets=targets), ours) for targets in (1, 16)]
    layer = FitCase("itcortex-layer", 14, 17, 14, 768)
    jobs += [(layer, ours), (replace(layer, native=17, channels=4096), 1)]
    jobs.append((FitCase("itcortex-layer", 1200, 1, 1, 100_000, sites=64, folds=10), 1))
    return list(dict(jobs).items())


def layer_jobs(activations: list[str]) -> list[tuple[FitCase, int]]:
    """One job for every layer with a map in files of activations."""
    jobs = []
    for path in activations:
        found = store.open_activations(path)
        images = len(found.image_ids)
        for layer in found.layers:
            shape = found.read(layer, [0]).shape
            if len(shape) == 4:
                size = FitCase("itcortex", images, 17, shape[1], shape[3], folds=images)
                jobs.append((replace(size, activations=path, layer=layer), 3))
    return jobs


def start(command: list[str], threads: int) -> dict:
    """Run a command with so many BLAS threads; what it prints as JSON."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(threads))
    environment["PYTHONPATH"] = str(HERE.parent / "scripts")
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )  # fmt: skip
    return json.loads(done.stdout)


def describe_machine() -> dict:
    """CPU, peak of a matrix product at 1 and 2 threads, and versions."""
    cpu = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if "model name" in line), cpu)
    command = [sys.executable, str(HERE / "measure_encoding.py")]
    peaks = [start([*command, json.dumps({"threads": n})], n) for n in (1, 2)]
    packages = ("numpy", "scipy", "scikit-learn", "ikpls", "torch")
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "gflops": {str(peak["threads"]): peak["gflops"] for peak in peaks},
        "versions": {"python": platform.python_version()} | {p: version(p) for p in packages},
    }


def run(jobs: list[tuple[FitCase, int]], gflops: float) -> pd.DataFrame:
    """Measure all jobs in rounds, so that engines share whatever else the machine is doing."""
    rounds = range(max(repeats for _, repeats in jobs))
    turns = [job for turn in rounds for job, repeats in jobs if turn < repeats]
    rows = []
    for job in progress.bar(turns, "encoding benchmark", unit="run"):
        found = start(job.command(), job.threads)
        product = 2 * job.images * job.grid**2 * job.channels**2 / (gflops * 1e9)
        rows.append(asdict(job) | found | {"xtx_multiple": found["cpu_seconds"] / product})
    return pd.DataFrame(rows)


def ratios(measured: pd.DataFrame) -> pd.DataFrame:
    """Medians of every job, and how many times the CPU time of our exact engine that is."""
    values = ["cpu_seconds", "wall_seconds", "peak_mb", "xtx_multiple", "r"]
    groups = measured.groupby(["engine", "rule", *SIZE], sort=False)
    table = groups[values].median().assign(runs=groups.size()).reset_index()
    ours = table[table.engine == "itcortex"].set_index(SIZE).cpu_seconds
    table["times_itcortex"] = (
        table.cpu_seconds / ours.reindex(pd.MultiIndex.from_frame(table[SIZE])).to_numpy()
    )
    return table.sort_values([*SIZE, "cpu_seconds"]).reset_index(drop=True)


def claims(table: pd.DataFrame) -> pd.DataFrame:
    """What was asked of the engine and what these measurements say of it, where they do."""
    one = table[table.threads == 1].set_index(["engine", "native", "channels", "targets"])
    rows = []

    def claim(name, column, key, asked=None, at_most=True, scale=1.0):
        if key in one.index:
            found = float(one.loc[key, column]) * scale
            holds = asked is None or (found <= asked if at_most else found >= asked)
            rows.append({"claim": name, "found": found, "asked": asked, "holds": holds})

    for native, c, times in [(14, 768, 88), (14, 2048, 70), (7, 2048, 400), (7, 4096, 470)]:
        name = f"times faster than scikit-learn, native {native}, C = {c}"
        claim(name, "times_itcortex", ("scikit-learn", native, c, 1), times, at_most=False)
    for (native, c), _ in one.groupby(["native", "channels"]):
        for peer in PEERS[:2]:
            name = f"times faster than {peer}, native {native}, C = {c}"
            claim(name, "times_itcortex", (peer, native, c, 1), 2, at_most=False)
    single = one.cpu_seconds.get(("itcortex", 14, 2048, 1), float("nan"))
    name = "sixteen windows as a multiple of one, native 14, C = 2048"
    claim(name, "cpu_seconds", ("itcortex", 14, 2048, 16), 8, scale=1 / single)
    claim(
        "peak (MB) of a layer, native 17, C = 4096", "peak_mb", ("itcortex-layer", 17, 4096, 1), 2e3
    )
    name = "peak (MB) of 100,000 features of 1200 images"
    claim(name, "peak_mb", ("itcortex-layer", 1, 100_000, 1), 4e3)
    name = "core-minutes of the whole table, native 14, C = 768"
    claim(name, "cpu_seconds", ("itcortex", 14, 768, 1), 30, scale=WHOLE_TABLE / 60)
    name += ", with the nested choice of layers and all metrics"
    claim(name, "cpu_seconds", ("itcortex-layer", 14, 768, 1), scale=WHOLE_TABLE / 60)
    return pd.DataFrame(rows, columns=["claim", "found", "asked", "holds"])


def main(jobs: list[tuple[FitCase, int]], out: str | Path) -> None:
    """Measure, and write the four files."""
    unknown = {job.engine for job, _ in jobs} - set(ENGINES)
    if unknown:
        raise ValueError(f"unknown engines {sorted(unknown)}; known: {sorted(ENGINES)}")
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    about = describe_machine()
    (folder / "machine.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    measured = run(jobs, about["gflops"]["1"])
    columns = COLUMNS + (["layer"] if measured.layer.any() else [])
    measured[columns].to_csv(folder / "encoding.csv", index=False, float_format="%.6g")
    table = ratios(measured)
    table.to_csv(folder / "encoding_ratios.csv", index=False, float_format="%.4g")
    found = claims(table)
    found.to_csv(folder / "claims.csv", index=False, float_format="%.4g")
    print(table.to_string(index=False, float_format="%.3g"))
    print(found.to_string(index=False, float_format="%.3g"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, under three minutes")
    parser.add_argument("--activations", nargs="+", metavar="FILE", help="measure real layers")
    parser.add_argument("--out", default="results/bench", help="folder of the results")
    options = parser.parse_args()
    chosen = layer_jobs(options.activations) if options.activations else jobs_of(options.quick)
    main(chosen, options.out)
