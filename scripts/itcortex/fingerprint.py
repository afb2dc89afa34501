"""Fingerprint of the code that a rule runs: its script and, transitively, the modules it imports.

The workflow carries it in every rule's params, because Snakemake re-runs a rule whose params changed
but does not see a changed imported module. Comments, docstrings and layout do not count.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

PACKAGE = "itcortex"
SCRIPTS = Path(__file__).resolve().parents[1]


def fingerprint(rule: str, scripts: Path = SCRIPTS) -> str:
    """16 hex digits over the meaning of `scripts/{rule}.py` and all it imports of the package.

    Raises FileNotFoundError if the rule has no script of its name.
    """
    seen: dict[Path, str] = {}
    _collect(Path(scripts) / f"{rule}.py", Path(scripts), seen)
    digest = hashlib.sha256()
    for path in sorted(seen):
        digest.update(f"{path.relative_to(scripts)}\n{seen[path]}\n".encode())
    return digest.hexdigest()[:16]


def _collect(path: Path, scripts: Path, seen: dict[Path, str]) -> None:
    """Add a file's meaning to `seen`, and that of every file it imports.

    A data file beside a module that carries its name (report_template.html beside report.py)
    belongs to the module.
    """
    if path in seen:
        return
    code, names = _meaning(path, path.read_text(encoding="utf-8"))
    data = sorted(p for p in path.parent.glob(f"{path.stem}_*") if p.suffix != ".py")
    seen[path] = "\n".join([code, *(p.read_text(encoding="utf-8") for p in data)])
    for name in names:
        for found in _files(name, scripts):
            _collect(found, scripts, seen)


@cache
def _meaning(path: Path, source: str) -> tuple[str, tuple[str, ...]]:
    """Source without comments, docstrings and layout, and the dotted names that it imports."""
    tree = ast.parse(source, filename=str(path))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{path}:{node.lineno}: relative import; write it in full")
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree), tuple(sorted(n for n in names if n.split(".")[0] == PACKAGE))


def _files(name: str, scripts: Path) -> list[Path]:
    """Files behind a dotted name: the packages on the way and the module (the rest is attributes).

    A package stands for its `__init__.py`.
    """
    found, folder = [], scripts
    for part in name.split("."):
        if (folder / f"{part}.py").is_file():
            return [*found, folder / f"{part}.py"]
        folder = folder / part
        if not (folder / "__init__.py").is_file():
            break
        found.append(folder / "__init__.py")
    return found
