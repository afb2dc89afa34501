"""How planning grows with the number of models; what a job costs beside its work: overhead.py.

    python benchmarks/scaling.py [--models 135 500 1500] [--quick]

Plans (dry runs) a copy of the workflow with made model tables, three recordings and two protocols (an
overlay each); nothing is computed. Writes results/bench/scaling.csv: seconds (wall and CPU), peak
memory, jobs, machine.
"""

import argparse
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

REPOSITORY = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "config.yaml", "rules", "scripts", "envs", "profiles", "experiments")
PROTOCOLS = ("corrected", "reference")


def write_experiment(folder: Path, models: int, protocol: str) -> str:
    """A made model table, and an overlay of the Arcaro arrays under one protocol."""
    rows = [
        {
            "model": f"made_{n:04d}", "weights": "untrained", "architecture": "resnet18",
            "source": f"untrained:{n}", "category": "cnn", "family": f"family_{n % 40}",
            "top1": 60 + n % 30, "top1_source": "made", "params_m": 11.7, "input_size": 224,
        }
        for n in range(models)
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "experiments" / "made.csv", index=False)
    overlay = (
        f"experiment: made_{protocol}\nmodels: experiments/made.csv\n"
        "recordings: [m1_pl, m1_ml, m2_ml]\nfigures: {models: [made_0000]}\n"
        f"encoding: {{protocol: {protocol}}}\n"
    )
    (folder / "experiments" / "made.yaml").write_text(overlay)
    return "experiments/made.yaml"


def measured(command: list[str], folder: Path) -> dict:
    """Wall and CPU seconds and peak memory of one command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    output, _ = process.communicate()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        sys.exit(output[-3000:])
    found = re.findall(r"^total\s+(\d+)", output, re.MULTILINE)
    return {
        "jobs": int(found[-1]) if found else 0,
        "wall_s": round(time.monotonic() - started, 2),
        "cpu_s": round(sum(after[:2]) - sum(before[:2]), 2),
        "peak_mb_so_far": round(after.ru_maxrss / 1024),
    }


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, nargs="+", default=[135, 500, 1500])
    parser.add_argument("--quick", action="store_true", help="135 models only")
    options = parser.parse_args()
    sizes = [135] if options.quick else sorted(options.models)
    snakemake = [sys.executable, "-m", "snakemake"]
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for part in PARTS:
            source = REPOSITORY / part
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / part)
        for models in sizes:
            for protocol in PROTOCOLS:
                overlay = write_experiment(folder, models, protocol)
                plan = [*snakemake, "--dry-run", "--configfile", overlay]
                about = {"what": "plan", "models": models, "recordings": 3, "protocol": protocol}
                rows.append(about | measured(plan, folder))
                print(rows[-1], flush=True)
    table = pd.DataFrame(rows).assign(machine=f"{platform.machine()}, {os.cpu_count()} cores")
    target = REPOSITORY / "results" / "bench" / "scaling.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(target, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
