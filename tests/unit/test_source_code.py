"""What no line of the rules and the library does, whatever files and tables hold."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_no_rule_has_a_command_line():
    """Values of tables reach scripts as Python objects; no shell sees them."""
    for path in [ROOT / "Snakefile", *ROOT.glob("rules/**/*.smk")]:
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"^\s*(?:shell|run|wrapper|notebook|cwl)\s*:", text, re.MULTILINE), (
            path
        )
        assert not re.findall(r"\b(?:os\.system|subprocess|shell)\s*[.(]", text), path


def test_no_module_runs_what_it_reads():
    """`eval` and unsafe loaders have no place here; processes are started without a shell."""
    unsafe = (
        r"\beval\(|\bexec\(|os\.system|shell=True|allow_pickle=True|(?<!['(])weights_only=False"
        r"|pickle\.loads?\(|yaml\.(?:unsafe_|full_)?load\(|extractall\("
    )
    for path in [*ROOT.glob("scripts/**/*.py"), *ROOT.glob("envs/*.py")]:
        code = re.sub(r"\.eval\(\)", "", path.read_text(encoding="utf-8"))
        found = [line for line in code.splitlines() if re.search(unsafe, line)]
        assert [line for line in found if not line.lstrip().startswith(('"', "#"))] == [], path
