"""Peak memory and time of whole jobs on files of TVSD's size: part of ``make bench``.

    python benchmarks/big_recordings.py [--quick] [--images N] [--features N] [--layers N]

Files are made first, in the layout of TVSD: `THINGS_normMUA.mat` (1,024 electrodes, 22,248 images shown
once, 100 shown 30 times), the names of its images, and activations of so many layers of 8,600 features
in float16, as a random projection leaves them. The first layer drives the electrodes; nothing was
measured in an animal. Then the scripts of two rules run, each in a process of its own as a job does:
`prepare_recordings`, and `fit_encoding` with ridge regression on the one test set, with 20 shuffles.
Writes results/bench/big_recordings.csv: peak of resident memory, CPU and wall seconds, and the memory
that the rule asks a scheduler for. At full size the shuffles take 10 minutes of a core, every layer
five more, and the files 2 GB of disk (--folder says where); both are arithmetic.
"""

import argparse
import contextlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import encoding
import numpy as np
import pandas as pd
from measure_encoding import peak_mb

from itcortex import store
from itcortex.workflow import resources

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path += [str(REPOSITORY / "tests"), str(REPOSITORY / "scripts")]
import fit_encoding  # noqa: E402
import prepare_recordings  # noqa: E402
from made.tvsd import image_names, write_images, write_responses  # noqa: E402

ELECTRODES, TESTED, REPEATS, BATCH, SHUFFLES = 1024, 100, 30, 256, 20
#: What was asked of a job's peak (MB).
ASKED_MB = {"prepare_recordings": 8000, "fit_encoding": 8000}
ENTRY = {
    "dataset": "tvsd", "file": "normMUA.mat", "format": "tvsd", "options": {"monkey": "N"},
    "attributes": {"monkey": "N", "area": "made", "unit": "a.u.", "simulated": True},
}  # fmt: skip


@dataclass(frozen=True)
class BigCase:
    """One job: `step` is a rule's name, or `make`, which makes the files in `folder` for it."""

    step: str
    folder: str
    images: int = 22_248
    features: int = 8600
    layers: int = 2
    penalties: int = 20
    precision: str = "float32"
    threads: int = 1

    def command(self) -> list[str]:
        """Command line that runs this job."""
        return [sys.executable, __file__, "--job", json.dumps(asdict(self))]

    def path(self, name: str) -> Path:
        """A file of the folder."""
        return Path(self.folder) / name

    @property
    def names(self) -> list[str]:
        """Names of the layers, from the first."""
        return [f"layer{k}" for k in range(self.layers)]


def make(case: BigCase) -> None:
    """Write activations, and responses that the first layer drives with as much noise as signal."""
    rng = np.random.default_rng(0)
    train, test = image_names(case.images, TESTED)
    write_images(case.path("things_imgs.mat"), train, test)
    names = [name.replace("\\", "/") for name in train + test]
    shown = {"image": names, "picture": names, "kind": "all", "digest": ""}
    store.write_table(case.path("images.parquet"), pd.DataFrame(shown))
    falling = np.arange(1, case.features + 1, dtype=np.float32) ** -0.5
    weights = rng.standard_normal((case.features, ELECTRODES), np.float32)
    weights /= np.sqrt((falling**2).sum())
    signal = np.empty((len(names), ELECTRODES), np.float32)

    def batches() -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        for start in range(0, len(names), BATCH):
            size = min(BATCH, len(names) - start)
            values = {
                name: rng.standard_normal((size, case.features), np.float32) * falling
                for name in case.names
            }
            signal[start : start + size] = values[case.names[0]] @ weights
            yield start, values

    depths = [{"name": name, "depth": (k + 1) / case.layers} for k, name in enumerate(case.names)]
    store.write_activations(
        case.path("activations.h5"), batches(), tuple(case.names), names,
        {"layers": depths, "weights_digest": ""}, "float16",
    )  # fmt: skip
    noise = rng.standard_normal((TESTED, ELECTRODES, REPEATS), np.float32)
    once = signal[: case.images] + rng.standard_normal((case.images, ELECTRODES), np.float32)
    repeats = signal[case.images :, :, None] + noise
    write_responses(case.path("normMUA.mat"), once, repeats, np.full(ELECTRODES, 0.8))


def prepare(case: BigCase) -> None:
    """Rule prepare_recordings."""
    prepare_recordings.main(
        case.path("normMUA.mat"), [str(case.path("things_imgs.mat"))], case.path("images.parquet"),
        case.path("recording.h5"), ENTRY, {"dataset": "things", "path": "object_images"},
    )  # fmt: skip


def fit(case: BigCase) -> None:
    """Rule fit_encoding."""
    grid = {"lowest": 1e-3, "highest": 1e4, "number": case.penalties}
    ridge = {"inner": "images", "penalties": grid, "precision": case.precision}
    labels = {"recording": "made", "model": "made", "weights": "none"}
    outputs = [case.path(name) for name in ("scores.parquet", "predictions.h5", "turned.parquet")]
    fit_encoding.main(
        case.path("activations.h5"), case.path("recording.h5"), *outputs, labels, ["ridge"],
        "corrected", 25, "exact", ridge, "cpu", False, {"kind": "split", "name": "split"}, None, None,
        [], SHUFFLES, 0, split="split",
    )  # fmt: skip


STEPS = {"make": make, "prepare_recordings": prepare, "fit_encoding": fit}


def measure(case: BigCase) -> dict:
    """Peak memory of this process from its start, and seconds of the step."""
    packages, cpu, wall = peak_mb(), time.process_time(), time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):  # what a script prints is for its log
        STEPS[case.step](case)
    return {
        "packages_mb": packages, "peak_mb": peak_mb(), "cpu_seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - wall,
    }  # fmt: skip


def asks_mb(case: BigCase) -> int:
    """Memory that the rule asks a scheduler for, at the first attempt."""
    if case.step != "fit_encoding":
        return resources.LEAST_MB
    size = resources.RidgeSize(
        case.images + TESTED, (case.features,) * case.layers, ELECTRODES, 1, case.penalties, SHUFFLES,
        4 if case.precision == "float32" else 8,
    )  # fmt: skip
    return resources.ridge_mem_mb(size, 1)


def main(case: BigCase, out: str | Path) -> pd.DataFrame:
    """Make the files, run the jobs one after the other, and write the table."""
    rows = []
    for step in STEPS:
        job = BigCase(**asdict(case) | {"step": step})
        found = encoding.start(job.command(), job.threads)
        if step == "make":
            continue
        about = {name: value for name, value in asdict(job).items() if name != "folder"}
        asked = {"asks_mb": asks_mb(job), "asked_mb": ASKED_MB[step]}
        within = found["peak_mb"] <= min(asked.values())
        rows.append(about | {"sites": ELECTRODES} | found | asked | {"holds": within})
        print(rows[-1], flush=True)
    size = sum(path.stat().st_size for path in Path(case.folder).iterdir())
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    table = pd.DataFrame(rows).assign(files_mb=round(size / 1e6), machine=machine)
    Path(out).mkdir(parents=True, exist_ok=True)
    table.to_csv(Path(out) / "big_recordings.csv", index=False, float_format="%.6g")
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="600 images, 200 features, one layer")
    parser.add_argument("--images", type=int, default=BigCase.images, help="shown once")
    parser.add_argument("--features", type=int, default=BigCase.features)
    parser.add_argument("--layers", type=int, default=BigCase.layers)
    parser.add_argument("--penalties", type=int, default=BigCase.penalties)
    parser.add_argument("--precision", choices=("float32", "float64"), default="float32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--folder", help="an empty folder for the files; a temporary one, if not given"
    )
    parser.add_argument("--out", default="results/bench", help="folder of the results")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    options = vars(parser.parse_args())
    if options["job"]:
        print(json.dumps(measure(BigCase(**json.loads(options["job"])))))
        sys.exit()
    if options["quick"]:
        options |= {"images": 600, "features": 200, "layers": 1}
    sizes = ("images", "features", "layers", "penalties", "precision", "threads")
    with tempfile.TemporaryDirectory() as scratch:
        chosen = BigCase("make", options["folder"] or scratch, **{k: options[k] for k in sizes})
        print(main(chosen, options["out"]).to_string(index=False))
