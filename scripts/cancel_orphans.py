"""Cancel the Slurm jobs that a dead run left in this folder, and unlock it, before the next run.

Run it in the workflow's folder on the machine where the run was started. Only jobs of yours are
touched that a Snakemake run submitted from this very folder. A run that is alive is never touched.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from itcortex.errors import UserError
from itcortex.running import orphans


def main(folder: Path, force: bool = False) -> list[orphans.SlurmJob]:
    """Cancel the jobs, wait until they have ended, unlock the folder; the jobs.

    Raises `UserError` beside a live run, and for jobs that cannot be cancelled: the lock stays.
    """
    orphans.require_dead(folder, force)
    jobs = orphans.cancel(folder) if orphans.may_exist(folder) else []
    if orphans.lock_of(folder):
        snakemake = [
            sys.executable,
            "-m",
            "snakemake",
            "--unlock",
            "--cores",
            "1",
            "--quiet",
            "all",
        ]
        subprocess.run(snakemake, cwd=folder, check=True)
    return jobs


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--force", action="store_true", help="the run of another machine or user has ended"
    )
    try:
        for job in main(Path.cwd(), parser.parse_args().force):
            print(f"cancelled {job.number} {job.made} ({job.state.lower()}, run {job.run})")
    except UserError as error:
        sys.exit(f"cancel_orphans: {error}")
    print("No job of a dead run is left, and the folder is not locked: run again")
