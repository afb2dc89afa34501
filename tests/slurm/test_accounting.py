"""The same profile at a site with accounting: states still come from squeue, jobs are in sacct too."""

import os
import tempfile
from pathlib import Path

import pytest

from made.slurm_accounting import Accounted, lacking_accounting
from made.slurm_line import Line

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def accounted():
    """A second cluster beside the first, with accounting; skips with the remedy."""
    if reason := lacking_accounting():
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as folder:
        one = Accounted(Path(folder))
        try:
            one.start()
            yield one
        finally:
            one.stop()


def test_a_cancelled_job_is_noticed_and_run_again(accounted, tmp_path, tables):
    """Which `sacct`, the plugin's own choice here, would not let it do: "CANCELLED by 0"."""
    line = Line(tmp_path, accounted)
    held = line.fault("hold", "b")
    run = line.start()
    job = line.wait_for("b")
    accounted.command("scancel", job["JobId"], check=True)
    held.unlink()
    printed = run.end()
    assert "Falling back" not in printed
    assert line.states("b") == ["CANCELLED", "COMPLETED"] and line.tables() == tables
    sacct = ["sacct", "-X", "--parsable2", "--noheader", "--format", "JobID,State"]
    states = [row.split("|")[1] for row in accounted.command(*sacct).splitlines()]
    assert sorted(states) == [f"CANCELLED by {os.getuid()}", *["COMPLETED"] * 3]
