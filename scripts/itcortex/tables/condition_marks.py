"""What must be said of single trainings where their networks are compared.

Of the epochs of a training with its network's own labels, the one that looks most like people is kept,
among those that agree enough with the network before (`least_agreement`). Where that floor decides, a
condition is trained less far than its maps would have led, and its networks stand at the floor while
others stay above it: conditions then differ in dose as well as in maps.
"""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

AGREEMENT, ALIGNMENT = "validation_agreement", "validation_alignment"
#: What notes say of a difference of a model with one seed.
ONE_SEED = "one seed only"
#: What they say of seeds that a control was not trained with.
OTHER_SEEDS = "no network of this seed, but of"
NEAR = 1  # photographs above the floor, at most, that count as at it


class Mark(NamedTuple):
    """What is said of a network, and whether it stands at the floor of agreement or collapsed."""

    text: str
    at_floor: bool = False
    collapsed: bool = False


def marks(notes: Mapping[str, Mapping], histories: Mapping[str, pd.DataFrame]) -> dict[str, Mark]:
    """Networks that collapsed, or stand at the floor of agreement, by "model weights".

    Parameters
    ----------
    notes : what trainings leave beside their weights; histories : a row for each of their epochs.
    """
    found = {}
    for name, one in notes.items():
        weights = name.partition(" ")[2]
        if one.get("collapsed"):
            share = f"{100 * one['results'][AGREEMENT]:.0f} %"
            found[name] = Mark(
                f"{weights} collapsed: it agrees with the network before on {share} of the held-out "
                "photographs",
                collapsed=True,
            )
        elif said := _of_floor(one, histories[name]):
            found[name] = Mark(f"{weights} {said}", at_floor=True)
    return found


def _of_floor(note: Mapping, history: pd.DataFrame) -> str:
    """How the floor bounded a training; empty where it did not."""
    recipe = note.get("training", {}).get("recipe", {})
    if recipe.get("kept") != "best_alignment":
        return ""
    rows = history.sort_values("epoch")
    free = int(rows["epoch"].iloc[rows[ALIGNMENT].fillna(-1.0).to_numpy().argmax()])
    least, agreement = recipe["least_agreement"], note["results"][AGREEMENT]
    above = (agreement - least) * note["before"]["n_validation"]
    floor = f"least agreement of {100 * least:.0f} %"
    if free != note["kept_epoch"]:
        return (
            f"is of epoch {note['kept_epoch']}, with an agreement of {100 * agreement:.0f} %, as epoch "
            f"{free} was below the {floor}"
        )
    if above < NEAR + 0.5:
        return f"is at the {floor}: {100 * agreement:.0f} %"
    return ""
