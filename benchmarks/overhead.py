"""What a short job costs beside its work: on this machine, through Slurm, in arrays and in groups.

    python benchmarks/overhead.py [--jobs 40] [--rounds 3] [--quick]

Jobs do nothing but start as the project's do (a script in a Python of its own). Slurm is the one of
tests/slurm (three nodes on this machine, so that all ways have the same cores), with profiles/slurm as
it is; without Slurm's programs those ways are left out, which is said. The ways take turns in rounds.
Writes results/bench/overhead.csv (every run) and overhead_medians.csv: seconds on the wall, in all and
a job, and how many jobs Slurm was given.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.append(str(REPOSITORY / "tests"))
from made.slurm_cluster import Cluster, lacking  # noqa: E402

SNAKEFILE = """
rule all:
    input: expand("out/{{n}}", n=range({jobs}))
rule nothing:
    output: "out/{{n}}"
    resources:
        mem_mb=600,
        runtime=5,
    script: "nothing.py"
"""
NOTHING = "open(snakemake.output[0], 'w').close()\n"
SLURM = [
    "--workflow-profile", str(REPOSITORY / "profiles" / "slurm"),
    "--slurm-partition-config", str(REPOSITORY / "profiles" / "slurm" / "partitions.yaml"),
]  # fmt: skip
#: Ten jobs one after the other in one Slurm job: no more memory at a time than one of them takes.
GROUPS = [
    "--groups",
    "nothing=short",
    "--group-components",
    "short=10",
    "--resources",
    "mem_mb=600",
]
WAYS = {
    "this machine, 1 at a time": ["--cores", "1"],
    "this machine, 2 at a time": ["--cores", "2"],
    "Slurm": SLURM,
    "Slurm, arrays": [*SLURM, "--slurm-array-jobs", "all"],
    "Slurm, groups of 10": [*SLURM, *GROUPS],
}


def timed(way: str, jobs: int, cluster: Cluster | None) -> dict:
    """One run of so many jobs in a folder of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "Snakefile").write_text(SNAKEFILE.format(jobs=jobs))
        (folder / "nothing.py").write_text(NOTHING)
        submitted = len(cluster.jobs()) if cluster else 0
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", *WAYS[way]], cwd=folder, text=True, check=False,
            env=os.environ | (cluster.environment if cluster else {}),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        seconds = time.monotonic() - started
        if done.returncode or len(list((folder / "out").iterdir())) != jobs:
            sys.exit(f"{way}:\n{done.stdout[-3000:]}")
    submitted = len(cluster.jobs()) - submitted if cluster else 0
    return {"way": way, "jobs": jobs, "seconds": seconds, "slurm_jobs": submitted}


def main(jobs: int, rounds: int, out: Path) -> None:
    """Measure, print, and write the tables."""
    reason = lacking()
    ways = [way for way in WAYS if not (reason and way.startswith("Slurm"))]
    rows = []
    with tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as folder:
        cluster = None if reason else Cluster(Path(folder))
        try:
            if cluster:
                cluster.start()
            for _ in range(rounds):
                for way in ways:
                    rows.append(timed(way, jobs, cluster if way.startswith("Slurm") else None))
                    print(rows[-1], flush=True)
        finally:
            if cluster:
                cluster.stop()
    table = pd.DataFrame(rows).assign(machine=f"{platform.machine()}, {os.cpu_count()} cores")
    groups = table.groupby(["way", "jobs", "machine"], sort=False)
    medians = groups[["seconds", "slurm_jobs"]].median().assign(runs=groups.size()).reset_index()
    medians["seconds_a_job"] = medians["seconds"] / medians["jobs"]
    medians["times_one_at_a_time"] = medians["seconds"] / medians["seconds"].iloc[0]
    out.mkdir(parents=True, exist_ok=True)
    table.to_csv(out / "overhead.csv", index=False, float_format="%.4g")
    medians.to_csv(out / "overhead_medians.csv", index=False, float_format="%.4g")
    print(medians.to_string(index=False, float_format="%.3g"))
    if reason:
        print(f"Slurm was left out: {reason}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=40, help="short jobs a run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="20 jobs, one round")
    options = parser.parse_args()
    asked = (20, 1) if options.quick else (options.jobs, options.rounds)
    main(*asked, REPOSITORY / "results" / "bench")
