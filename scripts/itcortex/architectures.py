"""Names of timm's architectures, read from its source: no workflow has to wait for torch."""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from itcortex.errors import UserError, nearest

_REGISTERED = re.compile(r"^@register_model\s*\n(?:^@.*\n)*^def (\w+)", re.MULTILINE)


@cache
def known_architectures() -> tuple[str, ...]:
    """All architectures of the installed timm, sorted; what `timm.list_models()` would say.

    Raises `UserError` if timm is not installed.
    """
    package = find_spec("timm")
    if package is None:
        raise UserError("timm is not installed; install it with: pip install timm")
    names = set()
    for path in (Path(package.origin).parent / "models").glob("*.py"):
        names.update(_REGISTERED.findall(path.read_text(encoding="utf-8")))
    return tuple(sorted(names))


def require_architecture(name: str) -> None:
    """Raise `UserError` with the nearest names if timm has no architecture `name` (or `name.tag`)."""
    base, _, _ = name.partition(".")
    if base not in known_architectures():
        raise UserError(
            f"architecture: timm has no model {name!r}; {nearest(base, list(known_architectures()))}"
        )
