"""What a caption adds to the figures of networks that were trained here by condition: our numbers.

As in `captions`: tables in, sentences out. Nothing is keyed by what several seeds share.
"""

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
    where = {"measure": score, "mapping": mapping}
    of_people = table[(table["measure"] == "attention") & (table["saliency"] == "raw")]
    kinds = of_people[["target", "map_kind"]].drop_duplicates().itertuples(index=False, name=None)
    kinds = list(kinds)
    for condition in changes.LOOKS:
        told = []
        for target in condition_words.headline(table, score, mapping):
            row = condition_words.contrast(table, condition, NONE, target=target, **where)
            if row is not None:
                told.append(f"predictivity of {target} {condition_words.interval(row)}")
        for target, kind in kinds:
            row = condition_words.contrast(table, condition, NONE, measure="attention",
                                           target=target, map_kind=kind, saliency="raw")  # fmt: skip
            if row is not None:
                told.append(f"agreement ({kind}) {condition_words.interval(row)}")
        if told:
            found[LABELS[condition]] = ", ".join(told)
    text = "The paper's arrows are of accuracy and predictivity, without controls. "
    return text + here(found)


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
