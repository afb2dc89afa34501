"""The workflow as a module of another one, in another folder."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from made.snakemake_runs import SnakemakeRun

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.workflow


def snakefile_of_the_docs() -> str:
    """The example that the documentation shows."""
    text = (REPOSITORY / "docs" / "module.md").read_text(encoding="utf-8")
    return text.partition("```python\n")[2].partition("```")[0]


@pytest.fixture
def folder(tmp_path) -> Path:
    """The clone as a link; settings and tables as copies beside the user's own Snakefile."""
    (tmp_path / "itcortex-workflow").symlink_to(REPOSITORY)
    shutil.copy(REPOSITORY / "config.yaml", tmp_path)
    shutil.copytree(REPOSITORY / "experiments", tmp_path / "experiments")
    (tmp_path / "Snakefile").write_text(snakefile_of_the_docs())
    (tmp_path / "best_layers.py").write_text("")
    return tmp_path


def planned(folder: Path, *options: str) -> dict[str, int]:
    """Number of jobs of every rule."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    run = SnakemakeRun(folder, environment, "--dry-run", "--cores", "1", *options)
    assert run.wait(60) == 0, run.printed
    pairs = [line.split() for line in run.printed.splitlines()]
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def test_the_example_of_the_docs_plans_from_another_folder(folder):
    jobs = planned(folder)
    assert jobs["best_layers"] == 1
    assert jobs["fit_encoding"] >= 9
    assert "render_report" not in jobs  # not asked for
    assert "keep_mapping" not in jobs


def test_mappings_are_kept_and_predict_if_settings_ask_for_it(folder):
    """A job of each for every network and recording, and no fit more."""
    pictures = folder / "my pictures"
    pictures.mkdir()
    Image.new("RGB", (20, 30)).save(pictures / "one.png")
    mine = "experiment: mine\nencoding: {keep_mappings: true, predict: my pictures}\n"
    (folder / "mine.yaml").write_text(mine)
    jobs = planned(folder, "all", "--configfile", "mine.yaml")
    assert jobs["keep_mapping"] == jobs["predict_responses"] == jobs["align_maps"] >= 9
