"""Fingerprint of the code that a rule runs: its script and, transitively, what it uses of the package.

The workflow carries it in every rule's params, because Snakemake re-runs a rule whose params changed
but does not see a changed imported module. It follows names: of a module, only the functions, classes
and constants that are reached from the script count, and what the module does when it is imported.
Where that cannot be told (a module is handed around as a whole) the whole module counts. Comments,
docstrings and layout do not, nor do the modules of `PLUMBING`, which cannot change a result.
"""

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINING = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

PACKAGE = "itcortex"
SCRIPTS = Path(__file__).resolve().parents[2]
#: Logs, progress bars, messages and stamps: a change here is no reason to train a network anew.
PLUMBING = frozenset(
    f"{PACKAGE}/{name}.py"
    for name in ("errors", "running/devices", "running/job", "running/progress", "running/stamp")
)


def fingerprint(rule: str, scripts: Path = SCRIPTS) -> str:
    """16 hex digits over the meaning of `scripts/{rule}.py` and all it uses of the package.

    Raises FileNotFoundError if the rule has no script of its name.
    """
    scripts = Path(scripts)
    used: dict[Path, set[int]] = {}
    followed: set[tuple[Path, str | None]] = set()
    waiting: list[tuple[Path, str | None]] = [(scripts / f"{rule}.py", None)]
    while waiting:
        path, name = waiting.pop()
        if (path, name) in followed or path.relative_to(scripts).as_posix() in PLUMBING:
            continue
        followed.add((path, name))
        module = _parsed(path, path.read_text(encoding="utf-8"))
        on_import = set() if path in used else module.effects
        new = (module.behind(name) | on_import) - used.setdefault(path, set())
        used[path] |= new
        for full in module.handed_on(name, whole=path.parent != scripts):
            waiting += _resolve(full, path, module, scripts)
        for index in new:
            for chain in module.uses[index]:
                waiting += _resolve(chain, path, module, scripts)
    digest = hashlib.sha256()
    for path in sorted(used):
        module = _parsed(path, path.read_text(encoding="utf-8"))
        code = "\n".join(module.code[index] for index in sorted(used[path]))
        digest.update(f"{path.relative_to(scripts)}\n{code}\n{_data(path)}\n".encode())
    return digest.hexdigest()[:16]


@dataclass
class _Module:
    """Top-level statements of a file: their code, what they define and which names they use."""

    code: list[str] = field(default_factory=list)
    uses: list[set[str]] = field(default_factory=list)  # dotted names, imports already followed
    defined: dict[str, set[int]] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)
    effects: set[int] = field(default_factory=set)

    def behind(self, name: str | None) -> set[int]:
        """Statements that define a name: none for "", all for None or where it cannot be told."""
        if name == "":
            return set()
        return self.defined.get(name) or set(range(len(self.code)))

    def handed_on(self, name: str | None, whole: bool) -> list[str]:
        """Imported names that are asked of this module as if it had defined them."""
        if name is None:
            return list(self.imported.values()) if whole else []
        return [self.imported[name]] if name in self.imported else []


@cache
def _parsed(path: Path, source: str) -> _Module:
    tree = ast.parse(source, filename=str(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            raise ValueError(f"{path}:{node.lineno}: relative import; write it in full")
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    module = _Module()
    for statement in tree.body:
        module.imported |= _imports(statement) if _is_import(statement) else {}
    for index, statement in enumerate(tree.body):
        module.code.append(ast.unparse(statement))
        module.uses.append(_uses(statement, module.imported))
        names = _defines(statement)
        for name in names:
            module.defined.setdefault(name, set()).add(index)
        if not names or _registers(statement, module):
            module.effects.add(index)
    return module


def _is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _imports(tree: ast.AST) -> dict[str, str]:
    """Local name -> dotted name of everything that is imported anywhere in a tree."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                found[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return found


def _uses(statement: ast.stmt, imported: dict[str, str]) -> set[str]:
    """Dotted names that a statement uses, each followed through the imports that it can see.

    An import names its module with a trailing dot (what the module does when it is imported).
    """
    known = imported | _imports(statement)
    found = set()
    for chain in _chains(statement):
        root, dot, rest = chain.partition(".")
        found.add(known.get(root, root) + dot + rest)
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            found.update(f"{alias.name}." for alias in node.names)
            found.update(alias.name for alias in node.names if not alias.asname)
        elif isinstance(node, ast.ImportFrom):
            found.update(f"{node.module}.{alias.name}." for alias in node.names)
    return found


def _chains(node: ast.AST) -> Iterator[str]:
    """Names and dotted names (`store.read_table`) in a tree."""
    if isinstance(node, ast.Attribute):
        names, base = [node.attr], node.value
        while isinstance(base, ast.Attribute):
            names, base = [base.attr, *names], base.value
        if isinstance(base, ast.Name):
            yield ".".join([base.id, *names])
            return
    elif isinstance(node, ast.Name):
        yield node.id
    for child in ast.iter_child_nodes(node):
        yield from _chains(child)


def _defines(statement: ast.stmt) -> list[str]:
    """Names that a top-level statement defines; none for one that does something instead."""
    if isinstance(statement, _DEFINING):
        return [statement.name]
    if _is_import(statement):
        return list(_imports(statement))
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    parts = [p for t in targets for p in (t.elts if isinstance(t, ast.Tuple) else [t])]
    named = [part.id for part in parts if isinstance(part, ast.Name)]
    return named if len(named) == len(parts) else []


def _registers(statement: ast.stmt, module: _Module) -> bool:
    """True for imports (the other module runs) and definitions that our own decorators change."""
    if _is_import(statement):
        return True
    decorators = getattr(statement, "decorator_list", [])
    roots = {chain.partition(".")[0] for node in decorators for chain in _chains(node)}
    ours = {name for name, full in module.imported.items() if full.split(".")[0] == PACKAGE}
    return bool(roots & (ours | module.defined.keys() - module.imported.keys()))


def _resolve(
    chain: str, path: Path, module: _Module, scripts: Path
) -> list[tuple[Path, str | None]]:
    """Where a dotted name is defined: (file, name in it); "" is what the file does on import."""
    parts = chain.rstrip(".").split(".")
    if parts[0] != PACKAGE:
        return [(path, parts[0])] if parts[0] in module.defined else []
    found, folder = [], scripts
    for place, part in enumerate(parts):
        rest = parts[place + 1 :]
        if (folder / f"{part}.py").is_file():
            name = "" if chain.endswith(".") else (rest[0] if rest else None)
            return [*found, (folder / f"{part}.py", name)]
        if not (folder / part / "__init__.py").is_file():
            break
        folder = folder / part
        found.append((folder / "__init__.py", None))
    return found


def _data(path: Path) -> str:
    """Files beside a module that carry its name (report_template.html): they belong to it."""
    data = sorted(p for p in path.parent.glob(f"{path.stem}_*") if p.suffix != ".py")
    return "\n".join(p.read_text(encoding="utf-8") for p in data)
