"""Which epoch's weights are kept, by what was measured on the validation images after each.

The choice looks at photographs that are held out from training, never at recordings: `best_alignment`
takes the epoch that agrees best with the human maps, among those in which the network still says what
it said before. An alignment is that of at least ten photographs, or none. That of the chosen epoch is
the largest of several, and therefore a little too good on those same photographs: compare it with
networks that were chosen in the same way.
"""

import math
from pathlib import Path

from itcortex.errors import UserError
from itcortex.training.recipe import Recipe

AGREEMENT, ALIGNMENT = "validation_agreement", "validation_alignment"
LEAST_MAPS = 10  # held-out photographs with a map that the choice of an epoch needs


def kept_epoch(rows: list[dict], recipe: Recipe) -> int:
    """The epoch, counted from 1, whose weights are kept of those in `rows`; the first of equals."""
    if recipe.kept == "last":
        return len(rows)
    ranks = [_rank(row, recipe.least_agreement) for row in rows]
    return ranks.index(max(ranks)) + 1


def _rank(row: dict, least: float) -> tuple[bool, float]:
    """Epochs that agree enough come before all others, by alignment; the others by agreement."""
    agrees = row[AGREEMENT] >= least
    value = _alignment(row) if agrees else row[AGREEMENT]
    return agrees, -math.inf if math.isnan(value) else value


def _alignment(row: dict) -> float:
    """The alignment, NaN where it is that of too few photographs to compare epochs by."""
    return row[ALIGNMENT] if row["n_aligned"] - row["n_undefined"] >= LEAST_MAPS else math.nan


def require_chosen(rows: list[dict], epoch: int, recipe: Recipe, folder: Path) -> None:
    """Raise `UserError` if the kept `epoch` was to be the best aligned one, and none has an alignment.

    `folder` is that of the checkpoint, for the message.
    """
    row = rows[epoch - 1]
    if recipe.kept == "last" or collapsed(row, recipe) or not math.isnan(_alignment(row)):
        return
    raise UserError(
        f"validation: after every epoch the alignment of fewer than {LEAST_MAPS} photographs is "
        f"defined (after epoch {epoch}, {row['n_undefined']} of {row['n_aligned']} have a saliency that "
        "is the same everywhere), and kept: best_alignment cannot choose one; check the network that "
        f"the training starts from, or set kept: last, and delete {folder}"
    )


def collapsed(row: dict, recipe: Recipe) -> bool:
    """Whether a network no longer says what it said before training; never where none was asked."""
    return AGREEMENT in row and row[AGREEMENT] < recipe.least_agreement
