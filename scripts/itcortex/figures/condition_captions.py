"""What a caption adds to the figures of networks that were trained here by condition: our numbers.

As in `captions`: tables in, sentences out. Nothing is keyed by what several seeds share.
"""

import itertools
from collections.abc import Sequence

import pandas as pd

from itcortex.figures import changes, unique_variance
from itcortex.figures.captions import here
from itcortex.tables import condition_words
from itcortex.tables.condition_contrasts import LABELS, NONE
from itcortex.tables.numbers import bounds, number


def of_unique_variance(table: pd.DataFrame) -> str:
    """What the first networks explain beyond the second: pair by pair, or condition by condition.

    `table` is what `unique_variance.of_conditions` makes. Every condition is told, over all recordings.
    """
    means = unique_variance.over_seeds(table)
    found = {_pair(rows.iloc[0]): _unique(rows) for _, rows in means.groupby("pair", sort=False)}
    said = here(found, most=max(len(found), 1))
    return f"The paper does not say whether harmonized networks explain something new. {said}"


def _pair(row: pd.Series) -> str:
    """Which networks a row is of, in words."""
    if row["condition"]:
        strength = "" if pd.isna(row["strength"]) else f", strength {row['strength']:g}"
        return f"{LABELS[row['condition']]} beyond {LABELS[NONE]}, {row['model']}{strength}"
    first, other = row["pair"].split("\0")
    return f"{first} beyond {other}"


def _unique(rows: pd.DataFrame) -> str:
    """Of one recording the share with its interval, of several their range; then of seeds."""
    text = number(rows["unique"].mean(), 3)
    if len(rows) == 1:
        text += " [{}, {}]".format(*bounds(*rows[["unique_low", "unique_high"]].iloc[0], 3))
    else:
        low, high = (number(end, 3) for end in (rows["unique"].min(), rows["unique"].max()))
        text += f" over {len(rows)} recordings, from {low} to {high}"
    if rows["n_seeds"].max() > 1:
        ends = rows["unique_lowest"].min(), rows["unique_highest"].max()
        text += f"; single seeds from {number(ends[0], 3)} to {number(ends[1], 3)}"
    return text


def of_changes(table: pd.DataFrame, score: str, mapping: str) -> str:
    """What every condition changes of predictivity, and of the agreement of the gradient with people."""
    found = {}
    of_people = table[(table["measure"] == "attention") & (table["saliency"] == "raw")]
    kinds = [
        *of_people[["target", "map_kind"]].drop_duplicates().itertuples(index=False, name=None)
    ]
    strengths = condition_words.strengths(table)
    for condition, strength in itertools.product(changes.LOOKS, strengths):
        where = {"mapping": mapping, "strength": strength}
        wanted = [
            (f"predictivity of {target}", where | {"measure": score, "target": target})
            for target in condition_words.headline(table, score, mapping)
        ]
        of_gradient = {"measure": "attention", "saliency": "raw", "strength": strength}
        wanted += [
            (f"agreement ({kind})", of_gradient | {"target": target, "map_kind": kind})
            for target, kind in kinds
        ]
        rows = [
            (what, condition_words.contrast(table, condition, NONE, **one)) for what, one in wanted
        ]
        told = [f"{what} {condition_words.interval(row)}" for what, row in rows if row is not None]
        if told:
            several = f", strength {strength:g}" if len(strengths) > 1 else ""
            found[LABELS[condition] + several] = ", ".join(told)
    text = "The paper's arrows are of accuracy and predictivity, without controls. "
    said = [here(found, most=max(len(found), 1)), *condition_words.collapsed(table)]
    return text + " ".join(said)


def of_gallery(changed: pd.DataFrame, shown: Sequence[str]) -> str:
    """In how many photographs rho rises over strength 0, of all that were held out and of those shown.

    `changed` is what `condition_gallery.changes` makes.
    """
    found = {}
    for name, column in changed.items():
        known = column.dropna()
        if len(known):
            rises, drawn = int((known > 0).sum()), known[known.index.isin([*shown])]
            share = number(100 * rises / len(known), 0)
            found[str(name)] = (
                f"ρ rises in {rises} of {len(known)} photographs ({share} %), "
                f"of the {len(drawn)} shown in {int((drawn > 0).sum())}"
            )
    return here(found, most=max(len(found), 1))
