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
from collections.abc import Iterator
from pathlib import Path

from itcortex.workflow.statements import PACKAGE, Module, Statement, parsed

SCRIPTS = next(p for p in Path(__file__).resolve().parents if p.name == PACKAGE).parent
#: Logs, progress bars, messages and stamps: a change here is no reason to train a network anew.
#: Files and, ending in a slash, whole folders of the package.
PLUMBING = ("errors.py", "running/")

_Place = tuple[str, str | None]  # file, name in it: "" for what it does on import, None for all


def fingerprint(rule: str, scripts: Path = SCRIPTS) -> str:
    """16 hex digits over the meaning of `scripts/{rule}.py` and all it uses of the package.

    Raises FileNotFoundError if the rule has no script of its name, ValueError at an import that could
    not be followed (relative, or of everything by `*`).
    """
    code = Code(Path(scripts))
    digest = hashlib.sha256()
    for file, used in sorted(code.reached(f"{rule}.py", PLUMBING).items()):
        lines = [file, *(statement.digest for statement in used), *code.order(file, PLUMBING)]
        lines += code.data_of(file, used)
        digest.update("\n".join([*lines, ""]).encode())
    return digest.hexdigest()[:16]


def reached(rule: str, scripts: Path = SCRIPTS) -> dict[str, list[ast.stmt]]:
    """Top-level statements that a rule's script can come to, plumbing among them, by file."""
    found = Code(Path(scripts)).reached(f"{rule}.py")
    return {file: [statement.node for statement in used] for file, used in found.items()}


# --- which statements a script can come to --------------------------------------------------------


class Code:
    """The scripts and the package's files as they are now."""

    def __init__(self, scripts: Path):
        self.scripts = scripts
        self.files = {path.stem: path.name for path in scripts.glob("*.py")}  # by dotted name
        self.packages: set[str] = set()  # a folder without `__init__` is one too: its file is ""
        self.data: dict[str, set[str]] = {}  # files that are not code, by their last name
        self._modules: dict[str, Module] = {}
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

    def module(self, file: str) -> "Module":
        if file not in self._modules:
            path = self.scripts / file
            self._modules[file] = parsed(path, path.read_text(encoding="utf-8"))
        return self._modules[file]

    def reached(self, start: str, without: tuple[str, ...] = ()) -> dict[str, list["Statement"]]:
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
            module = self.module(file) if file else Module()
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

    def data_of(self, file: str, used: list["Statement"]) -> Iterator[str]:
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
