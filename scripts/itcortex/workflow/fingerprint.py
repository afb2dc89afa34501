"""Fingerprint of the code that a rule runs: its script and, transitively, what it uses of the package.

The workflow carries it in every rule's params, because Snakemake re-runs a rule whose params changed
but does not see a changed imported module. It follows names, also those that a package's `__init__`
hands on: of a module, only the functions, classes and constants that are reached from the script count,
and what the module does when it is imported. Where that cannot be told (a module or a package is handed
around as a whole) all of it counts. Comments, docstrings and layout do not, nor does `PLUMBING`, which
cannot change a result. The syntax tree is hashed in a form that all versions of Python agree on.
"""

import ast
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

PACKAGE = "itcortex"
SCRIPTS = next(p for p in Path(__file__).resolve().parents if p.name == PACKAGE).parent
#: Logs, progress bars, messages and stamps: a change here is no reason to train a network anew.
#: Files and, ending in a slash, whole folders of the package.
PLUMBING = ("errors.py", "running/")

#: Decorators of others that leave nothing behind but the function they decorate.
_HARMLESS = {
    "abc": {"abstractmethod"},
    "contextlib": {"contextmanager"},
    "dataclasses": {"dataclass"},
    "functools": {"cache", "cached_property", "lru_cache", "total_ordering", "wraps"},
    "torch": {"inference_mode", "no_grad"},
    "typing": {"overload"},
}
#: Fields of syntax trees without meaning, or that a node's place already says.
_SILENT = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
_DEFINING = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_MODULE_NAME = re.compile(rf"{PACKAGE}\.(\w+\.)*\w*")
_Place = tuple[str, str | None]  # file, name in it: "" for what it does on import, None for all


def fingerprint(rule: str, scripts: Path = SCRIPTS) -> str:
    """16 hex digits over the meaning of `scripts/{rule}.py` and all it uses of the package.

    Raises FileNotFoundError if the rule has no script of its name, ValueError at an import that could
    not be followed (relative, or of everything by `*`).
    """
    code = _Code(Path(scripts))
    digest = hashlib.sha256()
    for file, used in sorted(code.reached(f"{rule}.py", PLUMBING).items()):
        lines = [file, *(statement.digest for statement in used), *code.order(file, PLUMBING)]
        lines += code.data_of(file, used)
        digest.update("\n".join([*lines, ""]).encode())
    return digest.hexdigest()[:16]


def reached(rule: str, scripts: Path = SCRIPTS) -> dict[str, list[ast.stmt]]:
    """Top-level statements that a rule's script can come to, plumbing among them, by file."""
    found = _Code(Path(scripts)).reached(f"{rule}.py")
    return {file: [statement.node for statement in used] for file, used in found.items()}


# --- which statements a script can come to --------------------------------------------------------


class _Code:
    """The scripts and the package's files as they are now."""

    def __init__(self, scripts: Path):
        self.scripts = scripts
        self.files = {path.stem: path.name for path in scripts.glob("*.py")}  # by dotted name
        self.packages: set[str] = set()  # a folder without `__init__` is one too: its file is ""
        self.data: dict[str, set[str]] = {}  # files that are not code, by their last name
        self._modules: dict[str, _Module] = {}
        for path in scripts.iterdir():
            if path.is_file() and path.suffix != ".py":
                self.data.setdefault(path.name, set()).add(path.name)
        for folder, folders, names in os.walk(scripts / PACKAGE):
            folders[:] = [name for name in folders if name != "__pycache__"]
            place = Path(folder).relative_to(scripts).as_posix()
            dotted = place.replace("/", ".")
            if "__init__.py" in names or dotted not in self.files:
                self.packages.add(dotted)
                self.files[dotted] = f"{place}/__init__.py" if "__init__.py" in names else ""
            for name in names:
                if name.endswith(".py") and name != "__init__.py":
                    self.files[f"{dotted}.{name[:-3]}"] = f"{place}/{name}"
                elif not name.endswith((".py", ".pyc")):
                    self.data.setdefault(name, set()).add(f"{place}/{name}")

    def module(self, file: str) -> "_Module":
        if file not in self._modules:
            path = self.scripts / file
            self._modules[file] = _parsed(path, path.read_text(encoding="utf-8"))
        return self._modules[file]

    def reached(self, start: str, without: tuple[str, ...] = ()) -> dict[str, list["_Statement"]]:
        """Statements in the order of their files, of every file from which one counts."""
        used: dict[str, set[int]] = {}
        followed: set[_Place] = set()
        waiting: list[_Place] = [(start, None)]
        while waiting:
            place = file, name = waiting.pop()
            if place in followed or _is_in(file, without):
                continue
            followed.add(place)
            module = self.module(file)
            if file not in used:
                waiting += [(other, "") for chain in module.runs for other in self.run_by(chain)]
            new = module.behind(name) - used.setdefault(file, set())
            used[file] |= new
            chains = {chain for index in new for chain in module.statements[index].uses}
            for chain in chains | (module.handed_on(name) if place != (start, None) else set()):
                waiting += self.places(chain)
        return {
            file: [self.module(file).statements[index] for index in sorted(indices)]
            for file, indices in used.items()
            if indices or self.module(file).runs
        }

    def run_by(self, chain: str) -> list[str]:
        """Files that run when a dotted name is imported."""
        parts = chain.split(".")
        names = (".".join(parts[: end + 1]) for end in range(len(parts)))
        return [self.files[name] for name in names if self.files.get(name)]

    def order(self, file: str, without: tuple[str, ...]) -> list[str]:
        """Files of the package that a module's imports run, in their order."""
        ran = [other for chain in self.module(file).runs for other in self.run_by(chain)]
        return [f"runs {other}" for other in dict.fromkeys(ran) if not _is_in(other, without)]

    def places(self, chain: str) -> list[_Place]:
        """Where a dotted name is defined, and what runs on the way there.

        What stands before a colon is a module for certain (`from a.b import c` is "a.b:c"); without
        one, a name may hide a module of its package. A name ending in a dot is an import, which runs
        files; one ending in ":*" is `import a.b`, after which all of the module b counts (of a package
        only what is named afterwards).
        """
        if chain.endswith("."):
            return [(file, "") for file in self.run_by(chain[:-1])]
        here, colon, names = chain.partition(":")
        found: list[_Place] = [(file, "") for file in self.run_by(here)] if colon else []
        rest = names.split(".") if names else []
        if not colon:
            here, *rest = chain.split(".")
        while here in self.files:
            file = self.files[here]
            if here not in self.packages:
                return [*found, (file, None if rest in ([], ["*"]) else ".".join(rest))]
            found += [(file, "")] if file else []
            if rest == ["*"]:
                return found
            below = f"{here}.{rest[0]}" if rest else ""
            module = self.module(file) if file else _Module()
            bound = bool(rest) and rest[0] in module.defined
            targets = module.imported.get(rest[0], set()) if rest else set()
            if bound and targets != {f"{here}:{rest[0]}"}:
                found.append((file, ".".join(rest)))
            if below not in self.files:
                return found if bound else [*found, *self.everything_in(here)]
            inside = (f"{below}:", f"{below}.")
            if len(rest) == 1 and targets and all(full.startswith(inside) for full in targets):
                return found  # a function that hides the module of its name, which it comes from
            here, rest = below, rest[1:]
        return found

    def everything_in(self, package: str) -> list[_Place]:
        """Every module of a package that is handed round, or of which a name cannot be told."""
        return [
            (file, None)
            for name, file in self.files.items()
            if file and (name == package or name.startswith(f"{package}."))
        ]

    def data_of(self, file: str, used: list["_Statement"]) -> Iterator[str]:
        """Digests of files beside a module that carry its name, and of those named in its code."""
        place, _, name = file.rpartition("/")
        found: set[str] = set()
        for text in set().union(*(statement.texts for statement in used)):
            found |= self.data.get(text, set())
        for other in set().union(*self.data.values()):
            folder, _, last = other.rpartition("/")
            if folder == place and last.startswith(f"{name.removesuffix('.py')}_"):
                found.add(other)
        for other in sorted(found):
            yield f"{other} {hashlib.sha256((self.scripts / other).read_bytes()).hexdigest()}"


def _is_in(file: str, places: tuple[str, ...]) -> bool:
    """Whether a file is one of the package's `places` or lies in a folder among them."""
    inner = file.removeprefix(f"{PACKAGE}/")
    return inner != file and any(
        inner.startswith(place) if place.endswith("/") else inner == place for place in places
    )


# --- what a file defines, does and uses -----------------------------------------------------------


@dataclass
class _Module:
    """Top-level statements of a file, imports one by one: what they define and what they do."""

    statements: list["_Statement"] = field(default_factory=list)
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
class _Statement:
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
        """Dotted names, each followed through the imports that it can see (see `_Code.places`)."""
        inner = _imported(self.imports, self.where)
        modules = {text.rstrip(".") for text in self._names[2] if _MODULE_NAME.fullmatch(text)}
        found = modules | {f"{name}:" for name in modules}
        for chain in self._names[0]:
            root, dot, rest = chain.partition(".")
            for full in self.imported.get(root, set()) | inner.get(root, set()):
                found.add(full + dot + rest)
        if isinstance(self.node, _DEFINING):  # what it imports and does not name is for others
            found |= {full for local in inner.keys() - self.locals for full in inner[local]}
        for node in self.imports:
            for alias in node.names:
                if isinstance(node, ast.ImportFrom):
                    found.add(f"{node.module}.{alias.name}.")
                else:
                    found |= {f"{alias.name}."} | (set() if alias.asname else {f"{alias.name}:*"})
        return found


@cache
def _parsed(path: Path, source: str) -> _Module:
    tree = ast.parse(source, filename=str(path))
    hooks = ("__init_subclass__", "__subclasses__", "metaclass")
    module = _Module(tells=any(hook in source for hook in hooks))
    is_package = path.name == "__init__.py"
    for node in _one_by_one(_undocumented(tree)):
        index = len(module.statements)
        module.statements.append(_Statement(node, str(path), module.imported))
        names = _defines(node)
        inside = isinstance(node, _DEFINING) or _is_for_type_checkers(node)
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
    if isinstance(node, _DEFINING):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    parts = [p for t in targets for p in (t.elts if isinstance(t, ast.Tuple) else [t])]
    named = [part.id for part in parts if isinstance(part, ast.Name)]
    return named if len(named) == len(parts) else []


def _registers(node: ast.stmt, module: _Module) -> bool:
    """True for definitions that may change something else when they are made.

    A decorator may, or a base class that is told of its subclasses or that another module of ours
    defines, what a class does between its definitions, a name that `:=` sets, and a method of one of
    the module's values (`TABLE.pop()`).
    """
    known = module.defined.keys()
    if isinstance(node, _DEFINING):
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
        return bool(told) or not all(_defines(each) for each in _undocumented(node))
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


def _is_harmless(decorator: str, module: _Module) -> bool:
    """Whether all that a decorator's name can stand for is known to register nothing."""
    root, dot, rest = decorator.partition(".")
    places = [
        f"{full}{dot}{rest}".replace(":", ".").rpartition(".")
        for full in module.imported.get(root, ())
    ]
    return bool(places) and all(name in _HARMLESS.get(home, ()) for home, _, name in places)


# --- the meaning of a syntax tree, in words that all versions of Python share ---------------------


def canonical(tree: ast.AST) -> str:
    """Text of a syntax tree: equal for equal meaning, whichever Python (3.11 or later) parsed it.

    Fields are written by name and only where they hold something, so that a field that a later version
    adds changes nothing. Neighbouring texts of an f-string are one, however the parser cut them.
    """
    out: list[str] = []
    _write(tree, out)
    return "".join(out)


def _write(value: object, out: list[str]) -> None:
    if isinstance(value, ast.JoinedStr):
        pieces = _pieces(value)
        if all(isinstance(piece, str) for piece in pieces):
            _write_constant("".join(pieces), out)
        else:
            _write_list("f", pieces, out)
    elif isinstance(value, ast.Constant):
        _write_constant(value.value, out)
    elif isinstance(value, list):
        _write_list("", value, out)
    elif not isinstance(value, ast.AST):
        _write_constant(value, out)
    else:
        out.append(f"({type(value).__name__}")
        for name in _fields(type(value)):
            inner = getattr(value, name, None)
            if name == "body" and isinstance(value, (ast.Module, *_DEFINING)):
                inner = _undocumented(value)
            if name == "format_spec" and inner is not None and not _pieces(inner):
                continue  # f"{x:}" is f"{x}"
            if inner is not None and inner != []:
                out.append(f" {name}=")
                _write(inner, out)
        out.append(")")


def _write_list(kind: str, items: list, out: list[str]) -> None:
    out.append(f"{kind}[")
    for item in items:
        _write(item, out)
        out.append(",")
    out.append("]")


def _write_constant(value: object, out: list[str]) -> None:
    """With its type, since 1, 1.0 and True are equal; in ASCII, whatever Unicode a Python knows."""
    is_int = type(value) is int  # whose decimal digits are limited to some thousands
    out.append(f"int {value:x}" if is_int else f"{type(value).__name__} {value!a}")


@cache
def _fields(kind: type) -> list[str]:
    return sorted(set(kind._fields) - _SILENT)


def _pieces(joined: ast.JoinedStr) -> list:
    """Texts and expressions of an f-string, no two texts side by side and none empty."""
    found: list = []
    for value in joined.values:
        for piece in _pieces(value) if isinstance(value, ast.JoinedStr) else [value]:
            text = piece.value if isinstance(piece, ast.Constant) else piece
            if isinstance(text, str) and found and isinstance(found[-1], str):
                found[-1] += text
            elif text != "":
                found.append(text)
    return found


def _undocumented(node: ast.AST) -> list[ast.stmt]:
    """Statements of a module, class or function without docstrings and others that do nothing."""
    return [
        each
        for each in node.body
        if not isinstance(each, ast.Pass)
        and not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
    ]
