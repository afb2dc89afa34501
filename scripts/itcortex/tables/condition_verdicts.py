"""What five differences say together: human maps and both controls against strength 0, and human maps
against both controls.

Human maps explain a change if they differ from both controls in its direction. Whether that is a gain
is another question: networks with other maps may have lost what those with human maps kept. So a
verdict looks at what every condition changed against strength 0 as well. A difference counts where its
95 % interval excludes zero.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from itcortex.tables.condition_contrasts import CONTROLS, LABELS

NOT_EXPLAINED = "no change that human maps explain"
OF_OTHERS = "they differ from other maps, not from strength 0"
NOT_COMPARED = "not compared with other maps"
NO_SEED = "no seed in common with"
NOTHING = "nothing changes beyond the intervals"


class Changes(NamedTuple):
    """Rows of one measure and strength: human maps against strength 0; of every control that there is,
    itself against strength 0, and human maps against it. `unpaired` are controls of other seeds alone.
    """

    human: pd.Series | None
    controls: Mapping[str, pd.Series]
    against: Mapping[str, pd.Series]
    unpaired: Sequence[str] = ()

    def rows(self) -> list[pd.Series]:
        """All differences that there are."""
        found = [self.human, *self.controls.values(), *self.against.values()]
        return [row for row in found if row is not None]

    def all(self) -> list[pd.Series]:
        """All differences that have an interval."""
        return [row for row in self.rows() if np.isfinite(row["low"]) and np.isfinite(row["high"])]


def sign(row: pd.Series | None) -> int:
    """1 or -1 where the interval lies above or below zero, else 0."""
    if row is None:
        return 0
    return int(row["low"] > 0) - int(row["high"] < 0)


def verdict(changes: Changes) -> str:
    """What human maps change beyond strength 0 and beyond both controls, in a clause."""
    apart = [LABELS[name] for name in CONTROLS if name in changes.unpaired]
    return _clause(changes) + (f" ({NO_SEED} {' and '.join(apart)})" if apart else "")


def _clause(changes: Changes) -> str:
    """The verdict on the differences that there are."""
    if not changes.against:
        return NOT_COMPARED
    beyond = {sign(row) for row in changes.against.values()}
    whole = set(changes.against) == set(CONTROLS)
    if whole and len(beyond) == 1 and beyond != {0}:
        return _beyond_both(sign(changes.human), beyond.pop(), changes.controls)
    if not any(map(sign, changes.all())):
        tried = {*changes.against, *changes.unpaired} == set(CONTROLS)
        return NOTHING if tried else f"{NOTHING}, but not all other maps were tried"
    return _not_beyond_both(changes)


def _beyond_both(human: int, beyond: int, controls: Mapping[str, pd.Series]) -> str:
    """Human maps stand above (1) or below (-1) both controls."""
    if human == beyond:
        return f"human maps {_verb(human)} it beyond strength 0 and beyond both kinds of other maps"
    if human == -beyond:
        return f"human maps {_verb(human)} it, but other maps {_verb(human)} it further"
    moved = [name for name, row in controls.items() if sign(row) == -beyond]
    if moved:
        return f"{_who(moved, -beyond)}, human maps do not ({OF_OTHERS})"
    more = "more" if beyond > 0 else "less"
    return f"{more} than with either kind of other maps, but not told apart from strength 0"


def _not_beyond_both(changes: Changes) -> str:
    """Something changes, but human maps do not differ from both controls in one direction."""
    human = sign(changes.human)
    moved = {name: sign(row) for name, row in changes.controls.items()}
    if human and set(moved) == set(CONTROLS) and {*moved.values()} == {human}:
        return f"all maps {_verb(human)} it ({NOT_EXPLAINED})"
    if human:
        return f"human maps {_verb(human)} it, but not beyond both kinds of other maps ({NOT_EXPLAINED})"
    said = [_who([name for name in moved if moved[name] == one], one) for one in (1, -1)
            if one in moved.values()]  # fmt: skip
    return "; ".join(
        [
            *said,
            f"human maps are told apart neither from strength 0 nor from both kinds ({NOT_EXPLAINED})",
        ]
    )


def _who(moved: list[str], direction: int) -> str:
    """Which controls move a measure: `the mean map lowers it`."""
    if len(moved) > 1:
        return f"both kinds of other maps {_verb(direction)} it"
    return f"{LABELS[moved[0]]} {_verb(direction)}{'s' * (moved[0] == 'mean')} it"


def _verb(direction: int) -> str:
    return "raise" if direction > 0 else "lower"
