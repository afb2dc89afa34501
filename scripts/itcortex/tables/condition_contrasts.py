"""Which networks are compared to say what human maps change, and not any maps or fine-tuning alone.

A network that was trained here has a `condition`: the maps that it was trained with. Those of people
(`human`) stand beside two controls with the same recipe: the maps of other photographs (`of_others`),
and the mean map of all photographs (`mean`), which knows where people look but not at what. Strength 0
(`none`) is the baseline of all three. Every comparison is of two networks of one model and one seed.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from itcortex.errors import UserError

NONE, HUMAN, CONTROLS = "none", "human", ("of_others", "mean")
#: What stands in tables and figures for a condition, in their order.
LABELS = {
    HUMAN: "human maps",
    "of_others": "maps of other photographs",
    "mean": "the mean map",
    NONE: "strength 0",
}


def are_harmonized(rows: pd.DataFrame) -> pd.Series:
    """Which networks (rows with a category) were trained to look where people look: controls are not.

    A control has the category `harmonized` too, but not the maps of its own photographs.
    """
    ours = rows["category"] == "harmonized"
    return ours & ~rows["condition"].isin(CONTROLS) if "condition" in rows else ours


class Pair(NamedTuple):
    """Two networks of a model and seed, as "model weights"; `other` is empty where there is none."""

    seed: int
    first: str
    other: str


class Contrast(NamedTuple):
    """A condition against another one, in one model, by the pairs of all seeds.

    `main` says whether the strength is a main one of the model, which figures and sentences tell first;
    `other_seeds` are those of a control.
    """

    model: str
    condition: str
    compared_with: str
    strength: float
    pairs: tuple[Pair, ...]
    main: bool = True
    other_seeds: tuple[int, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """What rows over models have in common."""
        return self.condition, self.compared_with


def contrasts(models: pd.DataFrame) -> list[Contrast]:
    """Every condition against strength 0, and human maps against every control, model by model.

    Parameters
    ----------
    models : table of models with columns model, weights, condition, strength, seed and baseline.

    Returns
    -------
    In the order of models, strengths and `LABELS`. A network whose baseline or control is not in the
    table has a pair without it. The main strengths of a model are those with most conditions, of
    those the ones with most seeds: further strengths of one seed are a curve beside them.

    Raises `UserError` for two networks of one model, condition, strength and seed.
    """
    models = models.reset_index(drop=True)
    trained = models[(models["condition"].fillna("") != "") & (models["strength"] > 0)]
    trained = trained.assign(name=trained["model"] + " " + trained["weights"])
    if same := twice(trained):
        first, row = same
        raise UserError(
            f"table of models: {first['name']} and {row['name']} are both of condition "
            f"{row['condition']!r}, strength {row['strength']:g} and seed {row['seed']:g}; give each "
            "its own condition, strength or seed, or compare them in tables of their own"
        )
    known = {*(models["model"] + " " + models["weights"])}
    found = []
    for model, rows in trained.groupby("model", sort=False):
        main = _main_strengths(rows)
        for strength, some in rows.groupby("strength"):
            found += _of_strength(str(model), float(strength), some, known, strength in main)
    return found


def twice(trained: pd.DataFrame) -> tuple[dict, dict] | None:
    """The first two rows of one model, condition, strength and seed: neither is the pair of its seed."""
    first: dict[tuple, dict] = {}
    for row in trained.to_dict("records"):
        key = (row["model"], row["condition"], row["strength"], row["seed"])
        if key in first:
            return first[key], row
        first[key] = row
    return None


def _main_strengths(rows: pd.DataFrame) -> set[float]:
    counts = rows.groupby("strength")[["condition", "seed"]].nunique().apply(tuple, axis=1)
    return {float(strength) for strength, count in counts.items() if count == counts.max()}


def _of_strength(
    model: str, strength: float, rows: pd.DataFrame, known: set[str], main: bool
) -> Iterator[Contrast]:
    of = {
        condition: some.sort_values("seed", kind="stable")
        for condition, some in rows.groupby("condition", sort=False)
    }
    for condition in filter(of.__contains__, LABELS):
        pairs = tuple(
            Pair(int(row.seed), row.name_, row.baseline if row.baseline in known else "")
            for row in of[condition].rename(columns={"name": "name_"}).itertuples()
        )
        yield Contrast(model, condition, NONE, strength, pairs, main)
    for control in CONTROLS if HUMAN in of else ():
        if control in of:
            others = of[control].set_index("seed")["name"].to_dict()
            own = of[HUMAN].set_index("seed")["name"].items()
            pairs = tuple(Pair(int(seed), name, others.get(seed, "")) for seed, name in own)
            yield Contrast(model, HUMAN, control, strength, pairs, main, tuple(map(int, others)))
