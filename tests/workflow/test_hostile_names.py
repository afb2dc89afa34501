"""Names in tables that are commands or paths: refused twice, and harmless to scripts that get them.

That both barriers refuse every such name is tested without a run, in tests/unit/workflow.
"""

import subprocess
from pathlib import Path

import pytest
import yaml

from made.forked import python

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(900)]

NAMES = ["x; touch owned", "x $(touch owned)", "x'`touch owned`\"", "../../owned"]
SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def add_model(workflow, name: str) -> None:
    """A row with this name, quoted as CSV wants it."""
    quoted = '"{}"'.format(name.replace('"', '""'))
    with (workflow.folder / "experiments" / "models.csv").open("a") as table:
        table.write(f"{quoted},s,resnet18,untrained:0,untrained,f,0.1,chance,,,\n")


def test_the_schema_refuses_the_name(fresh):
    name = NAMES[2]
    add_model(fresh, name)
    done = fresh.run(check=False)
    assert done.returncode != 0
    assert "models.csv: line 4 is not valid:" in done.stdout
    assert f"model: {name!r} is not allowed here" in done.stdout
    assert not (fresh.folder / "results").exists()


def test_with_a_schema_that_takes_everything_the_name_is_refused_all_the_same(fresh):
    name = NAMES[1]
    path = fresh.folder / "rules" / "schemas" / "models.schema.yaml"
    schema = yaml.safe_load(path.read_text())
    for column in schema["properties"].values():
        column.pop("pattern", None)
    path.write_text(yaml.safe_dump(schema))
    add_model(fresh, name)
    done = fresh.run(check=False)
    assert done.returncode != 0
    assert f"{name!r} cannot be a name here" in done.stdout
    assert not (fresh.folder / "results").exists()
    assert not list(fresh.folder.parent.rglob("owned"))


SNAKEFILE = """\
names = {names!r}

rule all:
    input: expand("out/{{model}}.txt", model=names)

rule work:
    output: text="out/{{model}}.txt"
    log: "logs/{{model}}.log"
    benchmark: "benchmarks/{{model}}.tsv"
    params: name=lambda wildcards: wildcards.model
    script: "work.py"
"""
WORK = f"""\
import sys
from pathlib import Path
sys.path.append({str(SCRIPTS)!r})
from itcortex.running import job
def main(text, name):
    Path(text).write_text(name)
job.run(main, snakemake)
"""


def test_a_script_gets_such_a_name_as_it_is_and_nothing_runs(tmp_path):
    names = [name for name in NAMES if "/" not in name] + [
        "a b",
        "it's",
        'so "quoted"',
        "*",
        "~",
        "%s",
    ]
    (tmp_path / "Snakefile").write_text(SNAKEFILE.format(names=names))
    (tmp_path / "work.py").write_text(WORK)
    command = [python(), "-m", "snakemake", "--cores", "2"]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert {path.stem: path.read_text() for path in (tmp_path / "out").iterdir()} == {
        name: name for name in names
    }
    assert not list(tmp_path.rglob("owned"))
