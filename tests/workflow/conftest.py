"""A reduced demo in a copy of the workflow: two networks, two small simulated arrays."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = ["Snakefile", "config.yaml", "rules", "scripts", "envs", "profiles", "experiments"]
REDUCED = {
    "recordings": ["sim_m1_pl", "sim_m2_ml"],
    "activations": {"layers": 3},
    "encoding": {
        "mappings": ["pls", "ridge", "rsa", "cka", "reverse"],
        "components": 8,
        "sweep": {"width_ms": 40, "step_ms": 80},
    },
    "alignment": {"draws": 50},
    "statistics": {"draws": 100},
    "figures": {"images": 2, "models": ["tf_efficientnet_lite0", "mobilenetv3_large_100"]},
    "simulation": {"size_px": 96},
}
MODELS = ["tf_efficientnet_lite0", "mobilenetv3_large_100"]
SMALL_STUDY = {  # three epochs of few images: that it runs, not what it finds
    "digits": {"digits_simulated": {
        "images": {"train": 128, "validation": 20, "test": 30, "recorded": 30},
        "sites": 4, "repeats": 4,
    }},
    "training": {"digits": {
        "strengths": [0, 1], "seeds": [0], "recipe": {"epochs": 2}, "checkpoint_steps": 2,
    }},
    "shortcut": {"images": 4, "stride": 8, "examples": 2},
}  # fmt: skip


class Workflow:
    """A copy of the workflow in a folder of its own, run by its command line."""

    def __init__(self, folder: Path):
        self.folder = folder
        for part in PARTS:
            source = REPOSITORY / part
            ignore = shutil.ignore_patterns("__pycache__")
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, folder / part, **({"ignore": ignore} if source.is_dir() else {}))
        self._reduce()

    def _reduce(self):
        """Fewer models, smaller grids, and settings that take seconds."""
        table = (self.folder / "experiments" / "models.csv").read_text().splitlines()
        kept = [line for line in table if line.split(",")[0] in ["model", *MODELS]]
        (self.folder / "experiments" / "models.csv").write_text("\n".join(kept) + "\n")
        path = self.folder / "experiments" / "datasets.yaml"
        registry = yaml.safe_load(path.read_text())
        for name, entry in registry["recordings"].items():
            if "simulation" in entry:
                entry["simulation"]["grid"] = [7, 7] if name == "sim_m2_ml" else [6, 7]
        registry["recordings"]["sim_m1_pl"]["options"]["sites"] = [0, 6]
        registry["recordings"]["sim_m1_ml"]["options"]["sites"] = [6, 11]
        registry["recordings"]["sim_m2_ml"]["options"]["sites"] = [0, 6]
        path.write_text(yaml.safe_dump(registry, sort_keys=False))
        self.configure(REDUCED)
        self.configure(SMALL_STUDY)

    def configure(self, changes: dict) -> None:
        """Change settings in config.yaml, mapping by mapping."""

        def update(node, new):
            for key, value in new.items():
                if isinstance(value, dict) and isinstance(node.get(key), dict):
                    update(node[key], value)
                else:
                    node[key] = value

        path = self.folder / "config.yaml"
        settings = yaml.safe_load(path.read_text())
        update(settings, changes)
        path.write_text(yaml.safe_dump(settings, sort_keys=False))

    def command(self, *options: str) -> list[str]:
        """Command line of a run."""
        return [sys.executable, "-m", "snakemake", "--cores", "2", "--nocolor", *options]

    def run(
        self, *options: str, check: bool = True, environment: dict | None = None
    ) -> subprocess.CompletedProcess:
        """Run Snakemake; its output (both streams) is in `stdout`."""
        done = subprocess.run(
            self.command(*options), cwd=self.folder, text=True, check=False, timeout=850,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=os.environ | {"COLUMNS": "200"} | (environment or {}),
        )  # fmt: skip
        if check:
            assert done.returncode == 0, done.stdout[-6000:]
        return done

    def planned(self, *options: str) -> Counter:
        """Jobs that a run would do now: Counter of "rule" or "rule wildcard values"."""
        output = self.run("--dry-run", *options).stdout
        jobs = Counter()
        for block in re.split(r"\n(?=\[|(?:local)?(?:check)?(?:rule|point) \w+:)", output):
            rule = re.search(r"^(?:local)?(?:rule|checkpoint) (\w+):", block, re.MULTILINE)
            if rule and rule[1] != "all":
                found = re.search(r"^\s+wildcards: (.*)$", block, re.MULTILINE)
                values = [v.split("=")[1] for v in found[1].split(", ")] if found else []
                jobs[" ".join([rule[1], *(v for v in values if v != "demo")])] += 1
        return jobs


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Workflow:
    """The reduced demo, run once to the end."""
    workflow = Workflow(tmp_path_factory.mktemp("demo"))
    workflow.run()
    return workflow


@pytest.fixture
def copy_of(finished, tmp_path):
    """A copy of the finished demo that a test may change: results, records and all."""
    target = tmp_path / "copy"
    shutil.copytree(finished.folder, target, symlinks=True)
    workflow = Workflow.__new__(Workflow)
    workflow.folder = target
    return workflow


@pytest.fixture
def fresh(tmp_path) -> Workflow:
    """The reduced demo before its first run."""
    return Workflow(tmp_path)
