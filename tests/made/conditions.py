"""Networks trained with human maps and with controls, and made scores whose truth is known."""

import numpy as np
import pandas as pd

from itcortex.tables.condition_contrasts import CONTROLS, HUMAN, contrasts
from itcortex.tables.condition_scores import Drawn
from itcortex.tables.condition_sites import SiteScores
from itcortex.tables.conditions import Tables, conditions_tables
from itcortex.tables.model_pairs import Collected, Sites

CONDITIONS = (HUMAN, *CONTROLS)


def weights(condition, seed, strength=1.0):
    """Name of a network's weights."""
    return f"{condition}/strength-{strength:g}/seed-{seed}"


def models(names=("net",), seeds=(0, 1, 2), conditions=CONDITIONS, strength=1.0) -> pd.DataFrame:
    """Rows of the table of models: the start, strength 0, and every condition; of every seed."""
    rows = []
    for model in names:
        start = {"model": model, "weights": "imagenet", "condition": "", "strength": np.nan}
        rows.append(start | {"seed": np.nan, "baseline": "", "series": "", "top1": 70.0})
        for seed in seeds:
            zero = weights(HUMAN, seed, 0)
            told = {"model": model, "seed": float(seed), "top1": np.nan}
            rows.append(told | {"weights": zero, "condition": "none", "strength": 0.0,
                                "baseline": "", "series": HUMAN})  # fmt: skip
            for condition in conditions:
                rows.append(told | {"weights": weights(condition, seed, strength),
                                    "condition": condition, "strength": strength,
                                    "baseline": f"{model} {zero}", "series": condition})  # fmt: skip
    return pd.DataFrame(rows)


def name(row) -> str:
    """A network as "model weights"."""
    return f"{row['model']} {row['weights']}"


def sites(
    table: pd.DataFrame, effects: dict[str, float], rng, shape=(8, 12), *, own=0.01, of_seeds=0.0,
    of_condition=0.0, draws=200,
) -> Sites:  # fmt: skip
    """r of every trained network: a level, what folds and sites have, the condition's effect, noise.

    `own` is noise of every fold and site, `of_seeds` of every network, `of_condition` what a condition
    changes in a site in all networks alike, on average nothing.
    """
    base = 0.5 + 0.1 * rng.normal(size=(shape[0], 1)) + 0.1 * rng.normal(size=(1, shape[1]))
    changed = {c: of_condition * rng.normal(size=(1, shape[1])) for c in ("none", *CONDITIONS)}
    collected = Collected()
    for row in table[table["condition"] != ""].to_dict("records"):
        noise = own * rng.normal(size=shape) + of_seeds * rng.normal()
        condition = row["condition"]
        collected.names.append(name(row))
        r = base + effects.get(condition, 0.0) + changed[condition] + noise
        collected.values.append(r.ravel())
    collected.index = pd.MultiIndex.from_product([range(shape[0]), range(shape[1])])
    return collected.sites(draws, rng)


def measure(found: Sites, target="v4", draws=200, rng=None, **about) -> SiteScores:
    """Predictivity as a measure of the comparison of conditions."""
    named = {"measure": "r", "target": target, "mapping": "pls", "protocol": "corrected"}
    rng = np.random.default_rng(9) if rng is None else rng
    return SiteScores.of(dict(zip(found.names, found.r, strict=True)), draws, rng, named | about)


def table(effects: dict[str, float], rng, **made) -> pd.DataFrame:
    """The table `conditions` of `tables`."""
    return tables(effects, rng, **made).conditions


def tables(
    effects: dict[str, float], rng, names=("a", "b", "c"), targets=("v4",), seeds=(0, 1, 2),
    other_seeds=None,
) -> Tables:  # fmt: skip
    """Conditions of made recordings, RDMs, people and answers, with planted effects.

    With `other_seeds`, those of the maps of other photographs.
    """
    told = models(names, seeds)
    if other_seeds:
        theirs = models(names, other_seeds, ("of_others",))
        told = pd.concat(
            [told[told["condition"] != "of_others"], theirs[theirs["condition"] != ""]]
        )
    measures = [measure(sites(told, effects, rng, of_seeds=0.005), target) for target in targets]
    trained = told[told["condition"] != ""].to_dict("records")
    values = {name(one): 0.5 + effects.get(one["condition"], 0.0) for one in trained}
    draws = {key: value + np.linspace(-0.1, 0.1, 200) for key, value in values.items()}
    abouts = [{"measure": "rsa", "target": "it92_monkey", "drawn": "images"}]
    for kind in ("mouse", "eye"):
        abouts += [
            {"measure": kind_of, "target": "osie", "map_kind": kind, "saliency": saliency,
             "drawn": "photographs"}
            for saliency in ("raw", "blurred", "covering")
            for kind_of in ("attention", "attention_partial")
        ]  # fmt: skip
    measures += [Drawn(about, values, draws) for about in abouts]
    plain = dict.fromkeys(values, np.empty(0))
    measures += [Drawn({"measure": one}, values, plain) for one in ("agreement", "divergence")]
    return conditions_tables(measures, contrasts(told), 200, rng)
