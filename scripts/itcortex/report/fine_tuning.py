"""How networks were trained here and how the conditions were compared, as sentences for the methods.

Everything is read from the settings of the trainings and from the tables; nothing is told of a run that
trained no network.
"""

from collections.abc import Iterable

import pandas as pd

from itcortex.tables.condition_contrasts import LABELS, NONE
from itcortex.training.recipe import Recipe, recipe_of


def count(number: float, noun: str, several: str = "") -> str:
    """A number with its noun: 1 family, 2 families."""
    return f"{int(number):,} {noun if number == 1 else several or noun + 's'}"


def sentences(settings: dict, models: pd.DataFrame, conditions: pd.DataFrame | None) -> list[str]:
    """What was trained with which photographs, maps, labels and recipe, and how it was compared.

    Parameters
    ----------
    settings : configuration; of `training` those are told that networks of `models` come from.
    models : rows of the table of models that were scored; conditions : the table, if there is one.
    """
    trained = models[models["training"].fillna("") != ""]
    if trained.empty:
        return []
    names = list(dict.fromkeys(trained["training"]))
    used = {name: settings["training"][name] for name in names}
    recipes = [
        Recipe.of(recipe_of(str(model), used[str(name)]))
        for model, name in trained[["model", "training"]].drop_duplicates().itertuples(index=False)
    ]
    return [
        _images(trained, used, recipes),
        _labels(recipes),
        _maps(trained),
        _optimiser(recipes),
        _kept(recipes),
        _agreement(trained),
        _compared(conditions),
    ]


def _images(trained: pd.DataFrame, used: dict[str, dict], recipes: list[Recipe]) -> str:
    several = trained["model"].nunique()
    begun = {training["start"] is not None for training in used.values()}
    how = "fine-tuned" if begun == {True} else "trained here"
    text = f"{count(several, 'network')} {'was' if several == 1 else 'were'} {how}"
    shown = _of_counts(trained["training_images"], "photograph")
    held_out = _of_counts(trained["held_out_images"], "photograph")
    text += f" on {shown}" if shown else ""
    text += f", with {held_out} held out," if held_out else ""
    epochs = _told(recipe.epochs for recipe in recipes)
    seeds = count(trained["seed"].nunique(), "seed")
    return f"{text} for {epochs} epochs, with {seeds} of each kind of training."


def _labels(recipes: list[Recipe]) -> str:
    own = [recipe.labels == "own" for recipe in recipes]
    frozen = [recipe.frozen_statistics for recipe in recipes]
    text = "Labels were those of the images."
    if all(own):
        text = (
            "The photographs needed no labels: the target of every crop is what the network predicted "
            "for it before training (distillation from itself), and the saliency is that of the class "
            "that it then ranked first."
        )
    elif any(own):
        text = "Some trainings had the network's own predictions before training as labels."
    if all(frozen):
        text += " The statistics of batch normalisation were frozen."
    elif any(frozen):
        text += " In some trainings the statistics of batch normalisation were frozen."
    return text


def _maps(trained: pd.DataFrame) -> str:
    above = trained[trained["strength"] > 0]
    if above.empty:
        return "No maps were used (strength 0)."
    kinds = [LABELS[name] for name in LABELS if name != NONE and (above["condition"] == name).any()]
    strengths = _told(sorted(above["strength"].unique()))
    text = (
        "The loss adds the difference between the network's saliency and a map, times a strength of "
        f"{strengths}; the maps were {_joined(kinds)}"
    )
    zero = (trained["strength"] == 0).any()
    return text + (", beside the same recipe without maps (strength 0)." if zero else ".")


def _optimiser(recipes: list[Recipe]) -> str:
    kinds = {"sgd": "stochastic gradient descent", "adamw": "AdamW"}
    told = _joined(dict.fromkeys(kinds[recipe.optimizer] for recipe in recipes))
    rates = _told(sorted({recipe.learning_rate for recipe in recipes}))
    batches = _told(sorted({recipe.batch_size for recipe in recipes}))
    return (
        f"The optimiser was {told}, at most at a learning rate of {rates}, {batches} images a step."
    )


def _kept(recipes: list[Recipe]) -> str:
    chosen = {recipe.least_agreement for recipe in recipes if recipe.kept == "best_alignment"}
    if not chosen:
        return "The weights after the last epoch were kept."
    floor = _joined(f"{100 * one:g} %" for one in sorted(chosen))
    others = (
        "" if all(recipe.kept == "best_alignment" for recipe in recipes) else "In some trainings, "
    )
    return (
        f"{others}{'the' if others else 'The'} epoch was chosen on the held-out photographs, never on "
        f"recordings: of those epochs in which the network gives at least {floor} of these photographs "
        "the same first class as before, the one whose saliency agrees best with human maps. What is "
        "measured on these photographs, agreement with people and with the answers before, is therefore "
        "somewhat too good."
    )


def _agreement(trained: pd.DataFrame) -> str:
    known = trained["agreement"].dropna()
    if known.empty:
        return ""
    ends = [f"{100 * end:.0f}" for end in (known.min(), known.max())]
    share = ends[0] if ends[0] == ends[1] else " to ".join(ends)
    text = f"At the kept epochs {share} % of the held-out photographs had the same first class as before"
    marked = trained[trained["mark"].fillna("") != ""]
    if len(marked):
        text += (
            f"; {count(len(marked), 'network')} fell below what was asked, and stays in the tables"
        )
    return text + "."


def _compared(conditions: pd.DataFrame | None) -> str:
    if conditions is None:
        return ""
    rows = conditions[conditions["model"] == ""]
    drawn = {
        kind: str(rows[rows["measure"].isin(measures)]["drawn"].iloc[0])
        for kind, measures in (("predictivity", ["r"]), ("RSA", ["rsa"]),
                               ("agreement with people", ["attention"]))
        if rows["measure"].isin(measures).any()
    }  # fmt: skip
    text = (
        "Conditions were compared by paired differences of networks of one model and seed: every "
        "condition minus strength 0, and human maps minus every control. Human maps explain a change "
        "where both differences from controls have intervals on the same side of zero."
    )
    if drawn:
        told = "; ".join(f"{_joined(which.split(', '))} ({kind})" for kind, which in drawn.items())
        text += f" The 95 % intervals are over {told}, drawn alike for both networks of a pair."
    few = int(rows["n_models"].max()) if len(rows) else 0
    if few:
        text += f" The {few} networks were" if few > 1 else " The network was"
        text += " not drawn."
    return text


def _of_counts(values: pd.Series, noun: str) -> str:
    known = sorted({int(value) for value in values.dropna()})
    return (
        count(known[0], noun) if len(known) == 1 else f"{_joined(known)} {noun}s" if known else ""
    )


def _told(values: Iterable[float]) -> str:
    return _joined(f"{value:g}" for value in dict.fromkeys(values))


def _joined(parts: Iterable) -> str:
    *first, last = map(str, parts)
    return f"{', '.join(first)} and {last}" if first else last
