"""Every script of `benchmarks/` finds what it imports: most are run by hand, and seldom."""

import ast
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
BENCHMARKS = REPOSITORY / "benchmarks"
ROOTS = {
    "itcortex": REPOSITORY / "scripts",
    "made": REPOSITORY / "tests",
    **dict.fromkeys(
        ("compare_models", "fit_encoding", "prepare_recordings"), REPOSITORY / "scripts"
    ),
}
#: Modules of packages that need not be installed, and are asked for where they are used.
OPTIONAL = {"himalaya"}


def defined(path: Path) -> set[str]:
    """Names that a module gives: what it defines, assigns and imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names |= {one.asname or one.name for one in node.names}
        elif isinstance(node, ast.Name):
            names.add(node.id)
        else:
            names.add(getattr(node, "name", None))
    return names


@cache
def installed() -> list[str]:
    """Modules of all packages that are installed."""
    return list(metadata.packages_distributions())


def check(module: str, names: list[str]) -> None:
    """Assert that the module exists, and if it is of this repository, that it has the names."""
    first = module.partition(".")[0]
    if first not in ROOTS and (BENCHMARKS / f"{first}.py").exists():
        assert set(names) <= defined(BENCHMARKS / f"{first}.py"), module
    elif first in ROOTS:
        path = ROOTS[first].joinpath(*module.split("."))
        if path.is_dir():
            inside = {one.stem for one in path.iterdir()} | defined(path / "__init__.py")
            assert set(names) <= inside, module
        else:
            assert set(names) <= defined(path.with_suffix(".py")), module
    else:
        assert first in {*sys.stdlib_module_names, *installed(), *OPTIONAL}, module


@pytest.mark.parametrize("path", sorted(BENCHMARKS.glob("*.py")), ids=lambda path: path.stem)
def test_imported_modules_and_names_exist(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for one in node.names:
                check(one.name, [])
        elif isinstance(node, ast.ImportFrom):
            check(node.module, [one.name for one in node.names])
