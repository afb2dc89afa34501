"""Cancel the Slurm jobs that a dead run left in this folder, before anything is submitted again.

Run it in the workflow's folder on the machine where the run was started. Only jobs of yours are
touched that a Snakemake run submitted from this very folder. A run that is alive is never touched.
"""

import argparse
import platform
import sys
from pathlib import Path

from itcortex import orphans
from itcortex.errors import UserError


def main(folder: Path, force: bool = False) -> list[orphans.SlurmJob]:
    """Cancel the jobs, wait until they have ended, return them. Raises `UserError` beside a live run."""
    here, host = platform.node(), orphans.host_of_lock(folder, force)
    if host not in ("", here):
        raise UserError(
            f"{folder}: the last run was started on {host}, this is {here}: run this there, "
            "or make sure that the run has ended and add --force"
        )
    if alive := orphans.live_runs(folder):
        raise UserError(
            f"{folder}: a run is alive here (process {alive[0]} on {here}): wait for it, or "
            f"stop it and its jobs with Ctrl-C or `kill -INT {alive[0]}`"
        )
    return orphans.cancel(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--force", action="store_true", help="the run on the other machine has ended"
    )
    try:
        for job in main(Path.cwd(), parser.parse_args().force):
            print(f"cancelled {job.number} {job.made} ({job.state.lower()}, run {job.run})")
    except UserError as error:
        sys.exit(f"cancel_orphans: {error}")
    print("No job of a dead run is left. If the folder is locked: snakemake --unlock")
