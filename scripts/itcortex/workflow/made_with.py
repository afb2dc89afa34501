"""With which settings an experiment's results were made, by their provenance file."""

import json
from collections.abc import Iterator
from pathlib import Path

from itcortex.errors import UserError

_ABSENT = object()


def other_settings(path: str | Path, settings: dict) -> list[str]:
    """Settings that were others when the tables behind a provenance file were made, a text each.

    None if there is no such file. Raises `UserError` for one that cannot be read.
    """
    try:
        before = json.loads(Path(path).read_text(encoding="utf-8"))["settings"]
        then = dict(_leaves(before))
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: cannot be read ({error}); delete it to make it anew") from error
    now = dict(_leaves(json.loads(json.dumps(settings))))
    return [
        f"{key} was {_shown(then, key)}, is {_shown(now, key)}"
        for key in dict.fromkeys([*then, *now])
        if then.get(key, _ABSENT) != now.get(key, _ABSENT)
    ]


def _leaves(tree: dict, above: str = "") -> Iterator[tuple[str, object]]:
    """Every setting by its keys, joined as in messages: `encoding: folds`."""
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{above}{key}: ")
        else:
            yield f"{above}{key}", value


def _shown(settings: dict, key: str) -> str:
    return json.dumps(settings[key], ensure_ascii=False) if key in settings else "not given"
