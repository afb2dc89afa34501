"""Builders: functions of a package or of a user's file that return a network."""

import hashlib
import importlib.util
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib.metadata import distribution, packages_distributions
from pathlib import Path
from types import ModuleType

from itcortex.errors import UserError, nearest

#: Endings of the files that say what a package builds: code, compiled code and settings.
_CODE = {".py", ".so", ".pyd", ".cpp", ".cu", ".json", ".yaml", ".yml", ".toml", ".cfg", ".ini"}

#: What to give pip for packages of networks that are imported under another name.
_INSTALLED_AS = {
    "clip": "git+https://github.com/openai/CLIP.git",
    "cornet": "git+https://github.com/dicarlolab/CORnet.git",  # PyPI's `cornet` is something else
    "cv2": "opencv-python-headless",
    "open_clip": "open_clip_torch",
    "pytorch_lightning": "pytorch-lightning",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
}
#: What stands behind `import` and `from` at the beginning of lines of code.
_IMPORTS = re.compile(
    r"^[ \t]*(?:import[ \t]+([^\n#;]+)|from[ \t]+(\w[\w.]*)[ \t]+import)", re.MULTILINE
)


def find_builder(builder: str) -> Callable[..., "nn.Module"]:
    """The function that `package.module:function` or `path/to/file.py:function` names.

    Raises `UserError` if there is no such file, module or function, or if it cannot be called.
    """
    place, name = _parts(builder)
    module = _file_module(place, builder) if place.endswith(".py") else _module(place, builder)
    function = getattr(module, name, None)
    if function is None:
        valid = [n for n, v in vars(module).items() if inspect.isfunction(v)]
        raise UserError(f"builder: {place} has no function {name!r}; {nearest(name, valid)}")
    if not callable(function):
        raise UserError(f"builder: {builder!r} is a {type(function).__name__}, not a function")
    return function


def builder_digest(builder: str) -> str:
    """What identifies a builder's code: SHA-256 of its file, or name and version of its package.

    A package whose code can change without its version, because it was installed with
    `pip install -e` or is found through PYTHONPATH, is identified by SHA-256 of all its files of code
    and settings. Such packages that a builder's file or package imports, directly or through each
    other, count too. Empty without a builder. It is a parameter of the rules that build networks, so
    that changed code runs their jobs again. Raises `UserError` for a builder that is not there.
    """
    if not builder:
        return ""
    place, _ = _parts(builder)
    if place.endswith(".py"):
        own = hashlib.sha256(_existing(place).read_bytes()).hexdigest()
        return _joined(own, _unreleased([Path(place)]))
    package = place.partition(".")[0]
    files = _files_of(package)
    if not files:
        raise UserError(
            f"builder: {builder!r}: no installed package has a module {package!r}; "
            f"{_installation(package)}, or give a file, like networks/mine.py:build"
        )
    version = _released(package, files)
    return version or _joined(package_digest(package), _unreleased(files) - {package})


def _joined(own: str, packages: set[str]) -> str:
    """One digest of a builder's own code and of the packages that it imports; `own` without any."""
    if not packages:
        return own
    parts = [own, *(package_digest(package) for package in sorted(packages))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def package_digest(package: str) -> str:
    """SHA-256 over names and contents of a package's files of code and settings."""
    return _digest_of(tuple((path, path.stat().st_mtime_ns) for path in _files_of(package)))


def _files_of(package: str) -> list[Path]:
    """Files of a package, or of a single module, without importing it; none if there is none."""
    spec = None if package in sys.stdlib_module_names else importlib.util.find_spec(package)
    if spec is None:
        return []
    folders = [Path(folder).resolve() for folder in spec.submodule_search_locations or ()]
    inside = (path for folder in folders for path in folder.rglob("*"))
    found = sorted(path for path in inside if path.suffix in _CODE and path.is_file())
    return found or ([Path(spec.origin).resolve()] if spec.has_location else [])


def _unreleased(files: Iterable[Path]) -> set[str]:
    """Packages that files import, directly or through each other, whose code can change by itself."""
    found, seen, waiting = set(), set(), list(files)
    while waiting:
        path = waiting.pop()
        state = path.stat()
        new = _imported(path, state.st_mtime_ns, state.st_size) - seen
        seen |= new
        for package in filter(_can_change, new):
            found.add(package)
            waiting += _files_of(package)
    return found


@lru_cache(maxsize=4096)
def _imported(path: Path, _changed: int, _size: int) -> frozenset[str]:
    """Packages that a file of code names in its imports; it is read again when it has changed."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.suffix == ".py" else ""
    named = {name for both in _IMPORTS.findall(text) for name in "".join(both).split(",")}
    return frozenset(name.split(maxsplit=1)[0].partition(".")[0] for name in named if name.strip())


def _can_change(package: str) -> bool:
    """Whether a package is there, and the list of no installed distribution has its first file."""
    known = package.isidentifier() and package not in sys.stdlib_module_names
    spec = importlib.util.find_spec(package) if known else None
    if spec is None:
        return False
    first = [Path(spec.origin).resolve()] if spec.has_location else _files_of(package)
    return bool(first) and not _released(package, first)


def _released(package: str, files: list[Path]) -> str:
    """Names and versions of the distributions that list all of a package's files as installed.

    Empty where some file is in no list: an installation with `pip install -e` lists only a pointer to
    the code, and metadata beside the code (`*.egg-info`) lists nothing.
    """
    versions, unlisted = [], set(files)
    path = tuple(sys.path)
    for name in _distributions(path).get(package, ()):
        version, root, names = _installed(name, path)
        unlisted -= {
            file for file in unlisted if Path(os.path.relpath(file, root)).as_posix() in names
        }
        versions.append(f"{name} {version}")
    return "" if unlisted else ", ".join(sorted(set(versions)))


@lru_cache(maxsize=256)
def _installed(name: str, _path: tuple[str, ...]) -> tuple[str, Path, frozenset[str]]:
    """Version of a distribution, and the place and names of the files that it lists (torch 15,000)."""
    installed = distribution(name)
    lines = (installed.read_text("RECORD") or "").splitlines()
    names = frozenset(line.rsplit(",", 2)[0].strip('"') for line in lines)
    return installed.version, Path(installed.locate_file("")).resolve(), names


@lru_cache(maxsize=1)
def _distributions(_path: tuple[str, ...]) -> dict[str, list[str]]:
    """Distributions of every package on this path of imports (.3 s to find them)."""
    return dict(packages_distributions())


@lru_cache(maxsize=32)
def _digest_of(files: tuple[tuple[Path, int], ...]) -> str:
    """SHA-256 over names and contents of files; their dates only tell whether to read them again."""
    total, root = hashlib.sha256(), os.path.commonpath([path.parent for path, _ in files])
    for path, _ in files:
        content = path.read_bytes()
        total.update(f"{os.path.relpath(path, root)} {len(content)}\n".encode())
        total.update(content)
    return total.hexdigest()


def _parts(builder: str) -> tuple[str, str]:
    place, _, name = builder.rpartition(":")
    if not place or not name.isidentifier():
        raise UserError(
            f"builder: {builder!r} must be package.module:function or path/to/file.py:function"
        )
    return place, name


def _existing(place: str) -> Path:
    if not Path(place).is_file():
        raise UserError(
            f"builder: no file {place}; a path is relative to the working directory, {Path.cwd()}"
        )
    return Path(place)


def _module(place: str, builder: str) -> ModuleType:
    if place.partition(".")[0] in sys.stdlib_module_names:
        raise UserError(f"builder: {builder!r} is of Python itself, which builds no networks")
    _prepare_imports()
    try:
        return importlib.import_module(place)
    except ImportError as error:
        remedy = (
            how_to_install(error)
            or "install its package, or give a file, like networks/mine.py:build"
        )
        raise UserError(f"builder: {builder!r} cannot be imported ({error}); {remedy}") from error


def _file_module(place: str, builder: str) -> ModuleType:
    """Run a user's file as a module of its own, under a name that nothing else has."""
    _prepare_imports()
    name = f"itcortex_builder_{builder_digest(builder)[:16]}"
    found = importlib.util.spec_from_file_location(name, _existing(place))
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module  # where a dataclass or a pickle looks for the module of its class
    try:
        found.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        remedy = how_to_install(error)
        raise UserError(
            f"builder: {place} cannot be imported: {type(error).__name__}: {error}"
            + (f"; {remedy}" if remedy else "")
        ) from error
    return module


def how_to_install(error: BaseException) -> str:
    """What to do if an error says that a package is not installed; empty for any other error."""
    module = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    package = (module or "").partition(".")[0]
    if not package or importlib.util.find_spec(package):  # it is there and lacks a module
        return ""
    return _installation(package)


def _installation(package: str) -> str:
    """How to install the package that is imported under this name."""
    if package in _INSTALLED_AS:
        return f"install it with: pip install {_INSTALLED_AS[package]}"
    return (
        f"install it with: pip install {package.replace('_', '-')} (if its documentation "
        "names no other package)"
    )


def _prepare_imports() -> None:
    """Put torchvision in order, because a builder may import it or timm."""
    importlib.import_module("itcortex.networks.torch_compat")


def check_arguments(function: Callable, builder: str, arguments: dict) -> None:
    try:
        inspect.signature(function).bind(**arguments)
    except TypeError as error:
        raise UserError(
            f"arguments: {builder!r} cannot be called with {arguments or 'no arguments'} ({error})"
        ) from error
