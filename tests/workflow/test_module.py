"""The workflow as a module of another one, in another folder."""

import shutil
from pathlib import Path

import pytest

from made.snakemake_runs import SnakemakeRun

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.workflow


def snakefile_of_the_docs() -> str:
    """The example that the documentation shows."""
    text = (REPOSITORY / "docs" / "module.md").read_text(encoding="utf-8")
    return text.partition("```python\n")[2].partition("```")[0]


def test_the_example_of_the_docs_plans_from_another_folder(tmp_path):
    """The clone is a link; settings and tables are copies beside the user's own Snakefile."""
    (tmp_path / "itcortex-workflow").symlink_to(REPOSITORY)
    shutil.copy(REPOSITORY / "config.yaml", tmp_path)
    shutil.copytree(REPOSITORY / "experiments", tmp_path / "experiments")
    (tmp_path / "Snakefile").write_text(snakefile_of_the_docs())
    (tmp_path / "best_layers.py").write_text("")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    run = SnakemakeRun(tmp_path, environment, "--dry-run", "--cores", "1")
    assert run.wait(60) == 0, run.printed
    jobs = dict(line.split() for line in run.printed.splitlines() if len(line.split()) == 2)
    assert jobs["best_layers"] == "1"
    assert int(jobs["fit_encoding"]) >= 9
    assert "render_report" not in jobs  # not asked for
