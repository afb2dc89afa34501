"""Which rule, code and packages made a file: said once by a job, written into its files by `store`."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from importlib.metadata import PackageNotFoundError, version

#: Packages whose versions may change a number.
PACKAGES = ("numpy", "scipy", "scikit-learn", "h5py", "pyarrow", "torch", "timm", "snakemake")

_current: ContextVar[dict] = ContextVar("stamp")


def versions(packages=PACKAGES) -> dict[str, str]:
    """Version of every one of `packages` that is installed."""
    found = {}
    for name in packages:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def current() -> dict:
    """The stamp of the job that is running: rule, code, packages; empty outside of a job."""
    return _current.get({})


@contextmanager
def stamped(rule: str, code: str) -> Iterator[None]:
    """Files written in this block carry the rule's name, its code's fingerprint, package versions."""
    token = _current.set({"rule": rule, "code": code, "packages": versions()})
    try:
        yield
    finally:
        _current.reset(token)
