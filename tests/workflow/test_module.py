"""The workflow as a module of another one, in another folder."""

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from made.demo import Workflow

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
    printed = (
        Workflow(folder).run("--dry-run", *options, environment={"PATH": "/usr/bin:/bin"}).stdout
    )
    pairs = [line.split() for line in printed.splitlines()]
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def test_the_example_of_the_docs_plans_from_another_folder(folder):
    jobs = planned(folder)
    assert jobs["best_layers"] == 1
    assert jobs["fit_encoding"] >= 9
    assert "render_report" not in jobs  # not asked for
    assert "keep_mapping" not in jobs


def test_what_snakedeploy_writes_plans_after_the_commands_of_the_docs(tmp_path):
    if shutil.which("snakedeploy") is None:
        pytest.skip("snakedeploy is not installed: pip install snakedeploy")
    clone = tmp_path / "itcortex-workflow"
    clone.mkdir()
    for name in ("Snakefile", "config.yaml", "LICENSE"):
        shutil.copy(REPOSITORY / name, clone)
    for name in ("rules", "scripts", "experiments", "envs", "profiles"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / name, clone / name, ignore=ignored)
    text = (REPOSITORY / "docs" / "module.md").read_text(encoding="utf-8")
    commands = re.search(r"```\n(snakedeploy .*?)```", text, re.DOTALL)[1]
    subprocess.run(["sh", "-e", "-c", commands], cwd=tmp_path, check=True, timeout=120)
    assert planned(tmp_path / "study")["fit_encoding"] >= 9


def test_the_tutorial_plans_as_it_says(folder):
    """Its table, its overlay, and at its end a mapping and predictions for every network."""
    text = (REPOSITORY / "docs" / "tutorial.md").read_text(encoding="utf-8")
    first, last = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (folder / "mine.csv").write_text(re.search(r"```\n(model,.*?)```", text, re.DOTALL)[1])
    (folder / "my_pictures").mkdir()
    Image.new("RGB", (20, 30)).save(folder / "my_pictures" / "one.png")
    (folder / "mine.yaml").write_text(first + last)
    jobs = planned(folder, "all", "--configfile", "mine.yaml")
    of_demo = pd.read_csv(folder / "experiments" / "models.csv")
    assert jobs["keep_mapping"] == jobs["predict_responses"] == len(of_demo) + 1
