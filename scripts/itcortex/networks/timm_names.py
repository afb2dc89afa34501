"""Names of timm's architectures, read from its source: no workflow has to wait for torch."""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from itcortex.errors import UserError, nearest

_REGISTERED = re.compile(r"^@register_model\s*\n(?:^@.*\n)*^def (\w+)", re.MULTILINE)
_TAGGED = re.compile(r"""^\s*['"](\w+)\.(\w+)['"]: """, re.MULTILINE)


@cache
def _sources() -> tuple[str, ...]:
    """Text of the files of the installed timm that define models; `UserError` without timm."""
    package = find_spec("timm")
    if package is None:
        raise UserError("timm is not installed; install it with: pip install timm")
    files = sorted((Path(package.origin).parent / "models").glob("*.py"))
    return tuple(path.read_text(encoding="utf-8") for path in files)


@cache
def known_architectures() -> tuple[str, ...]:
    """All architectures of the installed timm, sorted; what `timm.list_models()` would say.

    Raises `UserError` if timm is not installed.
    """
    return tuple(sorted({name for text in _sources() for name in _REGISTERED.findall(text)}))


def require_architecture(name: str) -> None:
    """Raise `UserError` with the nearest names if timm has no architecture `name` (or `name.tag`)."""
    base, _, _ = name.partition(".")
    if base not in known_architectures():
        raise UserError(
            f"architecture: timm has no model {name!r}; {nearest(base, list(known_architectures()))}"
        )


@cache
def _written_tags() -> frozenset[tuple[str, str]]:
    return frozenset(found for text in _sources() for found in _TAGGED.findall(text))


def require_tag(architecture: str, tag: str) -> None:
    """Raise `UserError` with the nearest names if timm has no pretrained weights `tag` for it.

    A few tags are made by timm's code and not written in it: only for one that is not written there
    timm is loaded (seconds), and has the last word.
    """
    if (architecture, tag) in _written_tags():
        return
    from itcortex.networks.torch_compat import timm  # noqa: PLC0415 (takes seconds: loads torch)

    tagged = [name.partition(".")[2] for name in timm.list_pretrained(f"{architecture}.*")]
    if tag not in tagged:
        raise UserError(
            f"source: timm has no weights {tag!r} of {architecture}; {nearest(tag, tagged)}"
        )
