"""Which epoch's weights are kept, by what was measured on the validation images after each.

The choice looks at photographs that are held out from training, never at recordings: `best_alignment`
takes the epoch that agrees best with the human maps, among those in which the network still says what
it said before. The alignment of the chosen epoch is the largest of several, and therefore a little too
good on those same photographs: compare it with networks that were chosen in the same way.
"""

import math

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
    value = row[ALIGNMENT] if agrees else row[AGREEMENT]
    return agrees, -math.inf if math.isnan(value) else value


def collapsed(row: dict, recipe: Recipe) -> bool:
    """Whether a network no longer says what it said before training; never where none was asked."""
    return AGREEMENT in row and row[AGREEMENT] < recipe.least_agreement
