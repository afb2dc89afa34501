"""A reduced demo in a copy of the workflow: two networks, two small simulated arrays."""

import atexit
import compileall
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path

import yaml

from itcortex.workflow.kept_fingerprints import KEPT, kept_fingerprint, state_of
from made.forked import account, python
from made.patience import FACTOR

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = ["Snakefile", "config.yaml", "rules", "scripts", "envs", "profiles", "experiments"]
MODELS = ["tf_efficientnet_lite0", "mobilenetv3_large_100"]
REDUCED = {
    "recordings": ["sim_m1_pl", "sim_m2_ml"],
    "activations": {"layers": 3},
    "encoding": {
        "mappings": ["pls", "ridge", "rsa", "cka", "reverse"],
        "components": 8,
        "folds": 5,  # the Slurm demo leaves out one image at a time
        "sweep": {"width_ms": 40, "step_ms": 120},
    },
    "alignment": {"draws": 20},
    "ceiling": {"splits": 10},
    "statistics": {"draws": 100},
    "multiverse": {"draws": 100},
    "figures": {"images": 2, "models": MODELS},
    "simulation": {"size_px": 96},
}
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
#: Folders of results that hold nearly all of their bytes, in files that are replaced, never changed.
_SHARED = [Path("results", "weights"), Path("results", "activations")]


@cache
def _template() -> Path:
    """The reduced demo, its code compiled and its fingerprints taken once for all copies of it."""
    kept = tempfile.TemporaryDirectory(prefix="itcortex-demo-")
    atexit.register(kept.cleanup)
    folder = Path(kept.name)
    for part in PARTS:
        source = REPOSITORY / part
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / part, ignore=ignored)
        else:
            shutil.copy2(source, folder / part)
    Workflow(folder).reduce()
    scripts = folder / "scripts"
    compileall.compile_dir(scripts, quiet=1)
    state = state_of(scripts)
    for script in scripts.glob("*.py"):
        kept_fingerprint(script.stem, scripts, folder / KEPT, state)
    return folder


class Workflow:
    """A copy of the workflow in a folder of its own, run by its command line."""

    def __init__(self, folder: Path):
        self.folder = folder

    @classmethod
    def made(cls, folder: Path) -> "Workflow":
        """The reduced demo before its first run, with its code compiled."""
        shutil.copytree(_template(), folder, dirs_exist_ok=True)
        return cls(folder)

    def copied(self, folder: Path) -> "Workflow":
        """Everything, results and Snakemake's records too; large files are the same by hard links."""

        def copy(source, target):
            shared = Path(source).relative_to(self.folder).parts[:2]
            return (os.link if Path(*shared) in _SHARED else shutil.copy2)(source, target)

        shutil.copytree(self.folder, folder, symlinks=True, copy_function=copy)
        return Workflow(folder)

    def shared_files(self) -> dict[Path, tuple[int, int]]:
        """Size and time of every file that copies share, which no copy may change."""
        files = (path for part in _SHARED for path in (self.folder / part).rglob("*"))
        stats = {path: path.stat() for path in files if path.is_file()}
        return {path: (stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()}

    def reduce(self):
        """Fewer models, smaller grids, and settings that take seconds."""
        self.keep_models(*MODELS)
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
        # Half a second a figure, and a third of what a plot takes; test_style.py looks at the fonts.
        path = self.folder / "scripts" / "itcortex" / "figures" / "style.py"
        text = path.read_text(encoding="utf-8")
        assert text.count('"pdf.fonttype": 42') == 1
        path.write_text(text.replace('"pdf.fonttype": 42', '"pdf.fonttype": 3'), encoding="utf-8")

    def keep_models(self, *names: str) -> None:
        """Drop all other rows of the model table."""
        path = self.folder / "experiments" / "models.csv"
        rows = path.read_text().splitlines()
        kept = [row for row in rows if row.split(",")[0] in ["model", *names]]
        path.write_text("\n".join(kept) + "\n")

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

    @staticmethod
    def environment(changes: dict[str, str] | None = None) -> dict[str, str]:
        """What a run gets: wide lines, and compiled modules kept, as users' runs keep them."""
        usual = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        return usual | {"COLUMNS": "200"} | (changes or {})

    @staticmethod
    def command(*options: str) -> list[str]:
        """Command line of a run as `make demo` and the README have it."""
        snakemake = Path(sys.executable).with_name("snakemake")
        return [str(snakemake), "--cores", "2", "--nocolor", *options]

    def start(self) -> subprocess.Popen:
        """Start a run as users do, in a process group of its own."""
        return subprocess.Popen(
            self.command(), cwd=self.folder, env=self.environment(), start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def run_as_users_do(self, *options: str) -> subprocess.CompletedProcess:
        """Run Snakemake to its good end in real processes; its output (both streams) is in `stdout`."""
        return self._run(self.command(*options), self.environment(), check=True)

    def run(
        self, *options: str, check: bool = True, environment: dict | None = None
    ) -> subprocess.CompletedProcess:
        """The same, with Snakemake and its jobs forked from a process that has all packages loaded."""
        command = [python(), "-m", "snakemake", *self.command(*options)[1:]]
        return self._run(command, self.environment(environment), check)

    def _run(self, command: list[str], environment: dict, check: bool):
        done = subprocess.run(
            command, cwd=self.folder, text=True, check=False, timeout=FACTOR * 800,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
        )  # fmt: skip
        if check:
            ended = f"exit status {done.returncode}\n{done.stdout[-6000:]}\n{account()}"
            assert done.returncode == 0, ended
        return done

    def planned(self, *options: str) -> Counter:
        """Jobs that a run would do now: Counter of "rule" or "rule wildcard values"."""
        return self.jobs_in(self.run("--dry-run", *options).stdout)

    @staticmethod
    def jobs_in(output: str) -> Counter:
        """Jobs that a dry run says it would do."""
        jobs = Counter()
        for block in re.split(r"\n(?=\[|(?:local)?(?:check)?(?:rule|point) \w+:)", output):
            rule = re.search(r"^(?:local)?(?:rule|checkpoint) (\w+):", block, re.MULTILINE)
            if rule and rule[1] != "all":
                found = re.search(r"^\s+wildcards: (.*)$", block, re.MULTILINE)
                values = [v.split("=")[1] for v in found[1].split(", ")] if found else []
                jobs[" ".join([rule[1], *(v for v in values if v != "demo")])] += 1
        return jobs
