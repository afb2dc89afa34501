"""What no line of the rules and the library does, whatever files and tables hold."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRIVATE = re.compile("_(?!replace)[A-Za-z]")


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


def private_names(path: Path) -> list[str]:
    """Names of the library that begin with an underscore, where a file uses or replaces them."""
    text = path.read_text(encoding="utf-8")
    if not re.search(r"\b_[A-Za-z]", text):
        return []
    nodes = list(ast.walk(ast.parse(text)))
    ours, imported = {"itcortex"}, []
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "itcortex":
            ours |= {one.asname or one.name for one in node.names}
            imported += [(node.module, one.name) for one in node.names]
        if isinstance(node, ast.Import):
            ours |= {one.name for one in node.names if one.name.startswith("itcortex")}
    found = [one for one in nodes if isinstance(one, ast.Attribute) and PRIVATE.match(one.attr)]
    used = [(ast.unparse(node.value), node.attr) for node in found]
    replaced = [
        (ast.unparse(node.args[0]), node.args[1].value)
        for node in nodes
        if isinstance(node, ast.Call) and len(node.args) > 1
        and isinstance(node.args[1], ast.Constant) and isinstance(node.args[1].value, str)
        and PRIVATE.match(node.args[1].value)
    ]  # fmt: skip
    return [
        f"{owner}.{name}"
        for owner, name in used + replaced + imported
        if PRIVATE.match(name) and any(f"{owner}.".startswith(f"{one}.") for one in ours)
    ]


def test_no_test_uses_a_private_name_of_the_library(tmp_path):
    """Or the inside of a module could not be changed without its tests."""
    (tmp_path / "wrong.py").write_text(
        "from itcortex.a import b, _i\nb._c.d()\nmonkeypatch.setattr(b, '_e', 1)\nb.f._g\nx._h\n"
    )
    assert sorted(private_names(tmp_path / "wrong.py")) == [
        "b._c", "b._e", "b.f._g", "itcortex.a._i",
    ]  # fmt: skip
    found = {path: private_names(path) for path in ROOT.glob("tests/**/*.py")}
    assert {path: names for path, names in found.items() if names} == {}
