"""Names of timm's architectures, read from its source so that no workflow waits for `import torch`."""

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
    """Raise `UserError` with the nearest names if timm has no architecture `name` (a tag may follow)."""
    if name.split(".", maxsplit=1)[0] not in known_architectures():
        raise UserError(
            f"architecture: timm has no model {name!r}; "
            f"{nearest(name.split('.', maxsplit=1)[0], list(known_architectures()))}"
        )
