"""What the top-level statements of a file define, use, and do when the file is imported."""

import ast
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from itcortex.workflow.syntax import DEFINING, canonical, undocumented

PACKAGE = "itcortex"
#: Decorators of others that leave nothing behind but the function they decorate.
_HARMLESS = {
    "abc": {"abstractmethod"},
    "contextlib": {"contextmanager"},
    "dataclasses": {"dataclass"},
    "functools": {"cache", "cached_property", "lru_cache", "total_ordering", "wraps"},
    "torch": {"inference_mode", "no_grad"},
    "typing": {"overload"},
}
_MODULE_NAME = re.compile(rf"{PACKAGE}\.(\w+\.)*\w*")


@dataclass
class Module:
    """Top-level statements of a file, imports one by one: what they define and what they do."""

    statements: list["Statement"] = field(default_factory=list)
    defined: dict[str, set[int]] = field(default_factory=dict)
    imported: dict[str, set[str]] = field(default_factory=dict)  # local name -> dotted names
    effects: set[int] = field(default_factory=set)
    tells: bool = False  # whether a class of the module may be told of its subclasses
    runs: list[str] = field(default_factory=list)  # of the package, in the order of the imports

    def behind(self, name: str | None) -> set[int]:
        """Statements behind a name, with those that they use and all that run on import."""
        first = name.partition(".")[0] if name is not None else None
        waiting = set(self.effects)
        if first != "":
            waiting |= self.defined.get(first) or set(range(len(self.statements)))
        found: set[int] = set()
        while waiting:
            index = waiting.pop()
            found.add(index)
            for local in self.statements[index].locals:
                waiting |= self.defined.get(local, set()) - found
        return found

    def handed_on(self, name: str | None) -> set[str]:
        """Dotted names that are asked of this module as if it had defined them."""
        if name == "":
            return set()
        first, dot, rest = (name or "").partition(".")
        if first in self.defined:
            return {full + dot + rest for full in self.imported.get(first, set())}
        return set().union(*self.imported.values())


@dataclass
class Statement:
    node: ast.stmt
    where: str
    imported: dict[str, set[str]]  # the module's

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(canonical(self.node).encode()).hexdigest()

    @cached_property
    def _names(self) -> tuple[set[str], list[ast.AST], set[str]]:
        return _look(self.node)

    @property
    def imports(self) -> list[ast.AST]:
        return self._names[1]

    @cached_property
    def locals(self) -> set[str]:
        """Names that the module itself may have defined."""
        return {chain.partition(".")[0] for chain in self._names[0]}

    @cached_property
    def texts(self) -> set[str]:
        """Last parts of texts that may name a file."""
        return {text.rpartition("/")[2] for text in self._names[2]}

    @cached_property
    def uses(self) -> set[str]:
        """Dotted names, each followed through the imports that it can see (see `Code.places`)."""
        inner = _imported(self.imports, self.where)
        modules = {text.rstrip(".") for text in self._names[2] if _MODULE_NAME.fullmatch(text)}
        found = modules | {f"{name}:" for name in modules}
        for chain in self._names[0]:
            root, dot, rest = chain.partition(".")
            for full in self.imported.get(root, set()) | inner.get(root, set()):
                found.add(full + dot + rest)
        if isinstance(self.node, DEFINING):  # what it imports and does not name is for others
            found |= {full for local in inner.keys() - self.locals for full in inner[local]}
        for node in self.imports:
            for alias in node.names:
                if isinstance(node, ast.ImportFrom):
                    found.add(f"{node.module}.{alias.name}.")
                else:
                    found |= {f"{alias.name}."} | (set() if alias.asname else {f"{alias.name}:*"})
        return found


@cache
def parsed(path: Path, source: str) -> Module:
    tree = ast.parse(source, filename=str(path))
    hooks = ("__init_subclass__", "__subclasses__", "metaclass")
    module = Module(tells=any(hook in source for hook in hooks))
    is_package = path.name == "__init__.py"
    for node in _one_by_one(undocumented(tree)):
        index = len(module.statements)
        module.statements.append(Statement(node, str(path), module.imported))
        names = _defines(node)
        inside = isinstance(node, DEFINING) or _is_for_type_checkers(node)
        imported = {} if inside else _imported(module.statements[-1].imports, str(path))
        for local, full in imported.items():
            module.imported.setdefault(local, set()).update(full)
        for name in {*names, *imported}:
            module.defined.setdefault(name, set()).add(index)
        if isinstance(node, ast.ImportFrom) and _is_ours(node.module):
            module.runs.append(f"{node.module}.{node.names[0].name}")
        elif (
            _is_import(node)
            or not names
            or (is_package and _sets_a_value(node) and names != ["__all__"])
        ):
            module.effects.add(index)
    for index, statement in enumerate(module.statements):
        if _registers(statement.node, module):
            module.effects.add(index)
    return module


def _one_by_one(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements, an import of several names as several imports."""
    for node in body:
        if not _is_import(node):
            yield node
            continue
        for alias in node.names:
            about = {name: getattr(node, name) for name in node._fields} | {"names": [alias]}
            yield ast.copy_location(type(node)(**about), node)


def _is_for_type_checkers(node: ast.stmt) -> bool:
    """True for `if TYPE_CHECKING:`, which never runs: nobody has the names that it imports."""
    return (
        isinstance(node, ast.If)
        and not node.orelse
        and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
    )


def _is_import(node: ast.AST) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _is_ours(dotted: str) -> bool:
    return re.split("[.:]", dotted)[0] == PACKAGE


def _sets_a_value(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign | ast.AnnAssign)


def _imported(imports: list[ast.AST], where: str) -> dict[str, set[str]]:
    """Local name -> dotted names of what import statements bring.

    Raises ValueError at imports that could not be followed.
    """
    found: dict[str, set[str]] = {}
    for node in imports:
        if isinstance(node, ast.ImportFrom) and node.level:
            raise ValueError(f"{where}:{node.lineno}: relative import; write it in full")
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                full = f"{node.module}:{alias.name}"
                if alias.name == "*" and _is_ours(full):
                    raise ValueError(f"{where}:{node.lineno}: import of *; name what is used")
            elif alias.asname:  # is `from a.b import c as d`
                full = ":".join(alias.name.rsplit(".", 1))
            else:
                full = alias.name.partition(".")[0]
            local = alias.asname or full.rpartition(":")[2]
            found.setdefault(local, set()).add(full)
    return found


def _look(tree: ast.AST) -> tuple[set[str], list[ast.AST], set[str]]:
    """Names and dotted names (`store.read_table`), imports, and texts with a dot, in a tree."""
    chains, imports, texts, waiting = set(), [], set(), [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Attribute):
            names, base = [node.attr], node.value
            while isinstance(base, ast.Attribute):
                names, base = [base.attr, *names], base.value
            if isinstance(base, ast.Name):
                chains.add(".".join([base.id, *names]))
            else:
                waiting.append(base)
        elif isinstance(node, ast.Name):
            chains.add(node.id)
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str) and "." in node.value:
                texts.add(node.value)
        elif _is_import(node):
            imports.append(node)
        else:
            waiting += ast.iter_child_nodes(node)
    return chains, imports, texts


def _defines(node: ast.stmt) -> list[str]:
    """Names that a top-level statement defines; none for one that does something instead."""
    if isinstance(node, DEFINING):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    parts = [p for t in targets for p in (t.elts if isinstance(t, ast.Tuple) else [t])]
    named = [part.id for part in parts if isinstance(part, ast.Name)]
    return named if len(named) == len(parts) else []


def _registers(node: ast.stmt, module: Module) -> bool:
    """True for definitions that may change something else when they are made.

    A decorator may, or a base class that is told of its subclasses or that another module of ours
    defines, what a class does between its definitions, a name that `:=` sets, and a method of one of
    the module's values (`TABLE.pop()`).
    """
    known = module.defined.keys()
    if isinstance(node, DEFINING):
        inner = ast.walk(node) if isinstance(node, ast.ClassDef) else [node]
        decorators = [d for each in inner for d in getattr(each, "decorator_list", [])]
        names = {chain for decorator in decorators for chain in _look(decorator)[0]}
        if not all(_is_harmless(name, module) for name in names if name.split(".")[0] in known):
            return True
    if isinstance(node, ast.ClassDef):
        bases = {chain.split(".")[0] for base in node.bases for chain in _look(base)[0]} & known
        others = set().union(*(module.imported.get(base, set()) for base in bases))
        own = set().union(*(module.defined[base] for base in bases - module.imported.keys()))
        told = any(map(_is_ours, others)) or (own and (module.tells or own & module.effects))
        return bool(told) or not all(_defines(each) for each in undocumented(node))
    if not _sets_a_value(node):
        return False
    values = {
        name
        for name in known - module.imported.keys()
        if any(_sets_a_value(module.statements[index].node) for index in module.defined[name])
    }
    calls = [each.func for each in ast.walk(node) if isinstance(each, ast.Call)]
    methods = {
        chain for call in calls if isinstance(call, ast.Attribute) for chain in _look(call)[0]
    }
    changed = any(chain.split(".")[0] in values for chain in methods)
    return changed or any(isinstance(each, ast.NamedExpr) for each in ast.walk(node))


def _is_harmless(decorator: str, module: Module) -> bool:
    """Whether all that a decorator's name can stand for is known to register nothing."""
    root, dot, rest = decorator.partition(".")
    places = [
        f"{full}{dot}{rest}".replace(":", ".").rpartition(".")
        for full in module.imported.get(root, ())
    ]
    return bool(places) and all(name in _HARMLESS.get(home, ()) for home, _, name in places)
