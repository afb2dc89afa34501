"""The lock, the conda environments, the images and the rules agree about Python and packages."""

import ast
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import distributions, packages_distributions
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement

from itcortex.workflow import fingerprint

ROOT = Path(__file__).resolve().parents[2]
ENVS = ROOT / "envs"
LINE = re.compile(r"([A-Za-z0-9_.-]+)\s*==\s*(\S+)")
INSTALLED = packages_distributions()
#: Modules of distributions that have another name and need not be installed to be known.
DISTRIBUTIONS = {"PIL": "pillow", "sklearn": "scikit-learn", "yaml": "pyyaml", "google": "protobuf"}


def run(*command) -> subprocess.CompletedProcess:
    """Run a command and keep what it prints."""
    return subprocess.run(command, check=False, capture_output=True, text=True)


def load(name: str):
    """A script of envs/, which is no package."""
    spec = spec_from_file_location(f"envs_{name}", ENVS / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


conda, lock = load("conda"), load("lock")
PYTHON, PINS = conda.read_lock(ENVS / "requirements.txt")
FILES = {path.name: path.read_text(encoding="utf-8") for path in ENVS.glob("*.yaml")}
ON_PYPI = {there: here for here, there in conda.NAMES.items()}


def pins_of(name: str) -> dict[str, str]:
    """Every package that a conda file names, by its name on PyPI, and its version."""
    found = yaml.safe_load(FILES[name])["dependencies"]
    lines = [line for item in found for line in (item["pip"] if isinstance(item, dict) else [item])]
    pinned = dict(LINE.fullmatch(line).groups() for line in lines if "==" in line)
    return {conda.canonical(ON_PYPI.get(name, name)): version for name, version in pinned.items()}


@cache
def imports_of(statement: ast.stmt) -> set[str]:
    """Top-level modules that a statement imports."""
    modules = set()
    for node in ast.walk(statement):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        modules.update(name.partition(".")[0] for name in names)
    return modules


@cache
def imported(rule: str) -> set[str]:
    """Distributions that a rule's script can import: it and all statements that it reaches."""
    reached = fingerprint.reached(rule).values()
    modules = set().union(*(imports_of(node) for nodes in reached for node in nodes))
    foreign = modules - sys.stdlib_module_names - {fingerprint.PACKAGE}
    named = (DISTRIBUTIONS.get(m) or INSTALLED.get(m, [m])[0] for m in foreign)
    return {conda.canonical(name) for name in named}


def rules() -> dict[str, str]:
    """Environment file of every rule that runs a script, by the script's name."""
    found = {}
    for path in (ROOT / "rules").glob("*.smk"):
        blocks = re.split(r"^rule ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
        for block in blocks:
            script = re.search(r'"\.\./scripts/(\w+)\.py"', block)
            environment = re.search(r'conda:\s+"\.\./envs/([\w.]+)"', block)
            if script:
                found[script[1]] = environment[1] if environment else ""
    return found


# --- the lock and the conda files -----------------------------------------------------------------


@pytest.mark.process
def test_conda_files_are_what_the_lock_makes_them():
    checked = run(sys.executable, ENVS / "conda.py", "--check")
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("name", ["analysis.yaml", "networks.yaml"])
def test_every_pin_of_a_conda_file_is_the_locks(name):
    pins = pins_of(name)
    assert pins == {package: PINS[package] for package in pins}
    assert len(pins) == len(conda.ENVIRONMENTS[name][1])
    assert f"python ={PYTHON}" in yaml.safe_load(FILES[name])["dependencies"]


@pytest.mark.process
def test_a_changed_pin_is_told(tmp_path):
    for path in ENVS.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    lock = tmp_path / "requirements.txt"
    lock.write_text(lock.read_text().replace(f"numpy=={PINS['numpy']}", "numpy==2.4.99"))
    command = [sys.executable, tmp_path / "conda.py"]
    told = run(*command, "--check")
    assert told.returncode == 1
    assert "envs/analysis.yaml is not what the lock makes it" in told.stderr
    assert run(*command).returncode == 0
    assert "  - numpy ==2.4.99\n" in (tmp_path / "analysis.yaml").read_text()


def test_a_package_that_the_lock_lacks_is_named():
    with pytest.raises(SystemExit, match="numba is not in the lock"):
        conda.environment("nothing", ["numpy", "numba"], "3.11", {"numpy": "2.4.6"})


def test_names_of_packages_are_compared_as_pypi_does():
    assert conda.canonical("huggingface_hub") == conda.canonical("Huggingface.Hub")
    text = conda.environment("x", ["torch", "tfrecord"], "3.11", {"torch": "2", "tfrecord": "1"})
    assert yaml.safe_load(text)["dependencies"] == [
        "python =3.11", "pytorch ==2", "pip", {"pip": ["tfrecord==1"]},
    ]  # fmt: skip


def test_everything_in_requirements_in_is_in_the_lock():
    asked = (ENVS / "requirements.in").read_text(encoding="utf-8").splitlines()
    names = [re.split("[=<>]", line)[0] for line in asked if line and not line.startswith("#")]
    assert [name for name in names if conda.canonical(name) not in PINS] == []


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_lock_has_all_that_its_packages_need(python):
    """In each Python that we run: what is not pinned would be another version tomorrow."""
    place = default_environment() | {"python_version": python, "python_full_version": f"{python}.0"}
    needed = {}
    for package in distributions():
        if conda.canonical(package.name) in PINS:
            for requirement in map(Requirement, package.requires or []):
                if not requirement.marker or requirement.marker.evaluate(place | {"extra": ""}):
                    needed[conda.canonical(requirement.name)] = package.name
    assert len(needed) > 100
    cuda = tuple(lock.CUDA)
    assert {n: by for n, by in needed.items() if n not in PINS and not n.startswith(cuda)} == {}


@pytest.mark.process
def test_the_lock_is_what_pip_lists_but_for_pip_itself(tmp_path, capsys):
    """setuptools too, which pip's list leaves out before Python 3.12; no local versions, no CUDA."""
    listed = "numpy==2.4.6\npip==26.0\nnvidia-cublas==13.1\nsetuptools==84.2.1\ntorch==2.13.0+cpu\n"
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\n[ "$1" = -c ] && echo 3.12 && exit\n[ "$4" = --all ] && printf \'{listed}\'\n'
    )
    python.chmod(0o755)
    lock.main(str(python))
    assert capsys.readouterr().out.splitlines()[1:] == [
        "# Python 3.12", "numpy==2.4.6", "setuptools==84.2.1", "torch==2.13.0",
    ]  # fmt: skip


# --- the rules ------------------------------------------------------------------------------------


def environment_of(script: str) -> str:
    """The smaller environment that has all that a script imports."""
    enough = imported(script) <= pins_of("analysis.yaml").keys()
    return "analysis.yaml" if enough else "networks.yaml"


@pytest.mark.long
def test_every_rule_has_the_environment_of_its_imports():
    wanted = {script: environment_of(script) for script in rules()}
    assert rules() == wanted
    assert len(wanted) >= 29


@pytest.mark.parametrize("script", sorted(rules()))
def test_an_environment_has_all_that_a_script_imports(script):
    assert imported(script) - pins_of(environment_of(script)).keys() == set()


def test_what_is_imported_is_seen():
    assert {"torch", "timm", "safetensors", "h5py"} <= imported("extract_activations")
    assert {"protobuf", "tfrecord", "crc32c"} <= imported("prepare_clickme")
    assert not imported("collect_scores") & {"torch", "matplotlib"}


# --- images ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Dockerfile", "apptainer.def"])
def test_an_image_has_the_locks_python_and_installs_the_lock(name):
    text = (ENVS / name).read_text(encoding="utf-8")
    code = [line.strip() for line in text.splitlines() if not line.lstrip().startswith("#")]
    (base,) = (line for line in code if line.lower().startswith("from"))
    assert re.fullmatch(r"(FROM|From:) python:(\S+)-slim-\w+", base)[2] == PYTHON
    (source,) = (line for line in code if "envs/requirements.txt" in line)
    target = source.split()[-1]
    joined = " ".join(code).replace("\\ ", "")
    assert f"--requirement {target}" in re.sub(r"\s+", " ", joined)
    assert "NOT YET BUILT" in text


def test_the_lock_is_of_a_python_that_the_project_takes():
    asked = re.search(r'requires-python = ">=(\d+)\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    assert tuple(map(int, PYTHON.split("."))) >= tuple(map(int, asked.groups()))
