"""Cost of a harmonizer's training step over a plain one, per family of networks; speed of the loader.

Every measurement is a fresh process: one network, one way to train it, a few steps after a warm-up.
The ways take turns in rounds, so that they share whatever else the machine is doing. Writes into
results/bench: harmonizer.csv (every measurement), harmonizer_ratios.csv (medians, and how many times
a cross-entropy step that is), loader.csv and loader_rates.csv (images a second of the loader, of a
step, and of both together), harmonizer_claims.csv (what was asked, what was found) and machine.json.
On a CPU its time counts for steps, on a GPU the time on the wall; for the loader always that.

Options: --quick (small networks once, eight minutes); --device (cuda where torch sees a GPU, else cpu);
--precision float32, tf32 (a GPU's default) or bf16 (autocast), as in a recipe; --batch N; --maps SHARE
(of images with a human map); --networks NAME ...; --workers N ...; --parts steps loader (both, without
it)
"""

import argparse
import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

import encoding
import pandas as pd
import torch
from measure_harmonizer import WAYS, StepCase
from measure_loader import SOURCES, LoaderCase, make_images

from itcortex.running import progress
from itcortex.training.recipe import PRECISIONS

QUICK = ("resnet18", "tf_efficientnet_lite0", "mobilenetv3_small_100", "vit_tiny_patch16_224")
#: Those and the six architectures of the paper.
FULL = (
    *QUICK, "resnet50", "regnety_008", "vgg16", "levit_128s", "efficientnet_b0", "resnetv2_50",
    "convnext_tiny", "maxvit_tiny_tf_224",
)  # fmt: skip
SIZE = ["network", "device", "precision", "batch", "maps"]


# --- steps ----------------------------------------------------------------------------------------


def jobs_of(networks: tuple[str, ...], options: dict, rounds: int) -> list[StepCase]:
    """All ways of all networks, round by round."""
    return [StepCase(n, way, **options) for n in networks for _ in range(rounds) for way in WAYS]


def run(jobs: list[StepCase]) -> pd.DataFrame:
    """Measure one after the other."""
    rows = []
    for job in progress.bar(jobs, "harmonizer benchmark", unit="run"):
        rows.append(asdict(job) | encoding.start(job.command(), job.threads))
    return pd.DataFrame(rows)


def ratios(measured: pd.DataFrame) -> pd.DataFrame:
    """Medians of every way, and how many times time and memory of a cross-entropy step that is."""
    groups = measured.groupby([*SIZE, "way"], sort=False)
    values = ["cpu_seconds", "wall_seconds", "peak_mb", "harmonization"]
    table = groups[values].median().assign(runs=groups.size()).reset_index()
    plain = table[table.way == "cross-entropy"].set_index(SIZE)
    of_network = plain.reindex(pd.MultiIndex.from_frame(table[SIZE]))
    time_of = table.cpu_seconds.where(table.device == "cpu", table.wall_seconds)
    plain_time = of_network.cpu_seconds.to_numpy(), of_network.wall_seconds.to_numpy()
    table["times_plain"] = time_of / pd.Series(plain_time[0]).where(
        table.device == "cpu", plain_time[1]
    )
    table["memory_times_plain"] = table.peak_mb / of_network.peak_mb.to_numpy()
    return table


def claims(table: pd.DataFrame) -> pd.DataFrame:
    """What was asked, of a ResNet-50 on a GPU in TF32 or bf16, and what these measurements say."""
    rows = []
    gpu = table[(table.network == "resnet50") & (table.device != "cpu")]
    gpu = gpu[gpu.precision != "float32"]
    for way, asked in (("harmonizer", 2.6), ("sub-batch", 1.8)):
        for _, row in gpu[gpu.way == way].iterrows():
            name = f"ResNet-50, {row.precision}, {way}: times a cross-entropy step"
            found = row.times_plain
            rows.append({"claim": name, "found": found, "asked": asked, "holds": found <= asked})
    return pd.DataFrame(rows, columns=["claim", "found", "asked", "holds"])


# --- the loader -----------------------------------------------------------------------------------


def loader_jobs(
    images: str | Path, networks: tuple[str, ...], workers: list[int], options: dict, rounds: int
) -> list[LoaderCase]:
    """The loader of every source; steps and both together of two ways of every network.

    Cross-entropy's step is the harder one to keep up with.
    """
    shared = {"images": str(images), **options}
    jobs = [
        LoaderCase(part="loader", source=source, workers=n, **shared | {"batches": 40})
        for source in SOURCES
        for n in workers
    ]
    for network in networks:
        for way in ("cross-entropy", "harmonizer"):
            pair = shared | {"network": network, "way": way}
            jobs.append(LoaderCase(part="step", **pair))
            jobs += [LoaderCase(part="together", workers=n, **pair) for n in workers]
    return jobs * rounds


def rates(measured: pd.DataFrame) -> pd.DataFrame:
    """Medians of every part, and of both together the share of the step's speed that is kept."""
    about = measured[["part", "source", "workers", "network", "way", *SIZE[1:], "threads"]].copy()
    about.loc[about.part == "step", "source"] = "-"
    about.loc[about.part == "loader", ["network", "way"]] = "-"
    groups = measured.groupby([about[name] for name in about], sort=False)
    table = groups[["images_per_s", "cpu_ms", "waiting"]].median()
    table = table.assign(runs=groups.size()).reset_index()
    step = table[table.part == "step"].set_index(["network", "way"]).images_per_s
    own = step.reindex(pd.MultiIndex.from_frame(table[["network", "way"]])).to_numpy()
    return table.assign(times_step=(table.images_per_s / own).where(table.part == "together"))


def loader_claims(table: pd.DataFrame) -> pd.DataFrame:
    """Whether the trainer hardly waits for images, with as many workers as were measured."""
    rows = []
    for _, row in table[table.part == "together"].iterrows():
        if row.workers == table.workers.max():
            name = (
                f"{row.network}, {row.device}, {row.way}, {row.workers} workers: time spent waiting"
            )
            rows.append(
                {"claim": name, "found": row.waiting, "asked": 0.05, "holds": row.waiting <= 0.05}
            )
    return pd.DataFrame(rows, columns=["claim", "found", "asked", "holds"])


# --- all of them ----------------------------------------------------------------------------------


def describe_machine(device: str) -> dict:
    """What ran it."""
    gpu = torch.cuda.get_device_name(device) if torch.device(device).type == "cuda" else None
    return encoding.describe_machine() | {"gpu": gpu}


def save(folder: Path, name: str, measured: pd.DataFrame, table: pd.DataFrame) -> None:
    """Write every measurement, and their medians; show these."""
    measured.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g")
    kind = {"harmonizer": "ratios", "loader": "rates"}[name]
    table.to_csv(folder / f"{name}_{kind}.csv", index=False, float_format="%.4g")
    print(table.to_string(index=False, float_format="%.3g"))


def main(jobs: list[StepCase], loading: list[LoaderCase], out: str | Path) -> None:
    """Measure, and write the files."""
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    about = describe_machine((jobs + loading)[0].device)
    (folder / "machine.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    found = []
    if jobs:
        measured = run(jobs)
        table = ratios(measured)
        save(folder, "harmonizer", measured, table)
        found.append(claims(table))
    if loading:
        measured = run(loading).drop(columns="images")
        table = rates(measured)
        save(folder, "loader", measured, table)
        found.append(loader_claims(table))
    found = pd.concat(found)
    found.to_csv(folder / "harmonizer_claims.csv", index=False, float_format="%.4g")
    if len(found):
        print(found.to_string(index=False, float_format="%.3g"))


if __name__ == "__main__":
    cores = os.cpu_count() or 1
    here = "cuda" if torch.cuda.is_available() else "cpu"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small networks, once: eight minutes")
    parser.add_argument("--networks", nargs="+", metavar="NAME", help="timm's names")
    parser.add_argument("--device", default=here, help=f"cpu, cuda or cuda:N; here {here}")
    parser.add_argument("--precision", choices=PRECISIONS, help="tf32 on a GPU, float32 on a CPU")
    parser.add_argument("--batch", type=int, help="images; 8 on a CPU, 64 on a GPU")
    parser.add_argument("--maps", type=float, default=0.25, help="share of images with a map")
    parser.add_argument("--rounds", type=int, help="processes per measurement")
    parser.add_argument("--workers", type=int, nargs="+", help="processes that load images")
    parser.add_argument(
        "--parts", nargs="+", choices=("steps", "loader"), default=["steps", "loader"]
    )
    parser.add_argument("--out", default="results/bench", help="folder of the results")
    given = parser.parse_args()
    gpu, rounds = given.device != "cpu", given.rounds or (1 if given.quick else 5)
    precision = given.precision or ("tf32" if gpu else "float32")
    if precision == "tf32" and not gpu:
        parser.error("--precision tf32: only a GPU has it; choose float32 or bf16")
    print(f"on {given.device}, in {precision}", flush=True)
    chosen = tuple(given.networks or (QUICK if given.quick else FULL))
    shared = {"device": given.device, "precision": precision, "maps": given.maps}
    shared["batch"] = given.batch or (64 if gpu else 8)
    steps = jobs_of(chosen, shared, rounds) if "steps" in given.parts else []
    fast = tuple(given.networks or ["resnet50" if gpu else "mobilenetv3_small_100"])
    with tempfile.TemporaryDirectory() as images:
        loading = []
        if "loader" in given.parts:
            make_images(Path(images), 64)
            workers = given.workers or sorted({0, 1, max(1, cores - 1)})
            loading = loader_jobs(images, fast, workers, shared, rounds)
        main(steps, loading, given.out)
