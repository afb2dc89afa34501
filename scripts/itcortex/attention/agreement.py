"""How well a network's saliency agrees with where people look: scores, controls and their summary.

The score of a photograph is the Spearman correlation, over pixels, of the model's saliency with a map
of human attention (Fel et al. 2022; Linsley et al. 2023); both are `MAP_SIDE` pixels a side, whatever
the photograph's aspect and the network's input. Beside it stand, in column `control`:

none
    The model's own saliency; `rho_partial` is the same with the mean map of all *other* photographs
    regressed out of both (on ranks): what is left beyond a liking for the usual places.
shuffled_images
    The model's saliency against the map of *another* photograph: agreement that needs no image.
centre_bias
    Nearness to the centre, without any model. Spearman sees ranks only, so that any centred
    Gaussian, however wide, scores the same.
other_images
    The mean map of the other photographs, without any model: what is known before looking.

Rows with saliency `raw` are the paper's measure. In rows `blurred` the model's saliency was smoothed
first: a gradient is much rougher than a map of fixations, and roughness lowers a rank correlation.
Rows `covering`, where the settings ask for them, are of how far the class's logit falls when a part of
the photograph is covered (`itcortex.attention.occlusion`): what a network reads, where a gradient may
point elsewhere.

A saliency map that does not vary or is not finite has no ranks. Its score is NaN, is left out of means
and is counted in `undefined`. (A predicted response that does not vary has a correlation of 0 elsewhere
in this project. That rule does not apply here: a gradient that vanishes is no prediction.)
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from itcortex.data.photographs import MAP_SIDE, Photographs, without
from itcortex.errors import UserError, nearest
from itcortex.numerics.metrics import mean_defined
from itcortex.numerics.ranks import correlate_ranks, partial, unit_ranks
from itcortex.numerics.sampling import bootstrap_mean

JOB = ["attention", "model", "weights"]
CONTROLS = ("none", "shuffled_images", "centre_bias", "other_images")
MODEL_FREE = ("centre_bias", "other_images")


# --- ranks ----------------------------------------------------------------------------------------


def centre_bias() -> np.ndarray:
    """Nearness (224, 224) to the centre, in units of the photograph's sides."""
    steps = np.arange(MAP_SIDE) - (MAP_SIDE - 1) / 2
    return -(steps[:, None] ** 2 + steps**2)


# --- scores ---------------------------------------------------------------------------------------


def score(
    photographs: Photographs,
    saliency: Iterable[tuple[np.ndarray, int]],
    totals: Mapping[str, np.ndarray],
    count: int,
    blur: float,
    covering: Iterable[np.ndarray] | None = None,
) -> pd.DataFrame:
    """One row for each photograph, kind of map, saliency (raw, blurred, covering) and control.

    Parameters
    ----------
    saliency : for every photograph in order, a map (224, 224) and the class that it belongs to.
    totals, count : `total_maps` of the whole set, of which `photographs` may be a part.
    blur : standard deviation of the Gaussian that makes `blurred`, as a share of the map's side.
    covering : for every photograph in order, a map (224, 224) of what covering changes; None for none.

    Columns: image, label_source ("label" or "predicted"), label, map_kind, saliency, control, rho,
    rho_partial (NaN for controls). Rows without a model have an empty `saliency`.
    """
    others = len(photographs.image_ids) // 2  # the shuffled partner is half a set away
    human = {kind: [unit_ranks(one) for one in maps] for kind, maps in photographs.maps.items()}
    centre, source = (
        unit_ranks(centre_bias()),
        "predicted" if photographs.labels is None else "label",
    )
    rows = []
    covered = repeat(None) if covering is None else iter(covering)
    for index, (found, label) in enumerate(saliency):
        shown = {"raw": unit_ranks(found), "blurred": unit_ranks(smooth(found, blur))}
        if (of_covering := next(covered)) is not None:
            shown["covering"] = unit_ranks(of_covering)
        about = {"image": photographs.image_ids[index], "label_source": source, "label": label}
        for kind, maps in photographs.maps.items():
            own = human[kind][index]
            partner = human[kind][index - others] if others else None
            usual = unit_ranks(without(totals[kind], maps[index])) if count > 1 else None
            rows += [
                about | {"map_kind": kind, "saliency": which, "control": control} | values
                for which, control, values in _compare(shown, own, partner, centre, usual)
            ]
    return pd.DataFrame(rows)


def _compare(shown: dict, own, partner, centre, usual) -> Iterator[tuple[str, str, dict]]:
    """Every score of one photograph and one kind of map."""
    prior = correlate_ranks(own, usual)
    for which, ranks in shown.items():
        rho = correlate_ranks(ranks, own)
        rest = partial(rho, correlate_ranks(ranks, usual), prior)
        yield which, "none", {"rho": rho, "rho_partial": rest}
        yield (
            which,
            "shuffled_images",
            {"rho": correlate_ranks(ranks, partner), "rho_partial": np.nan},
        )
    yield "", "centre_bias", {"rho": correlate_ranks(centre, own), "rho_partial": np.nan}
    yield "", "other_images", {"rho": prior, "rho_partial": np.nan}


def smooth(saliency: np.ndarray, share: float) -> np.ndarray:
    """Saliency (row, column) blurred by a Gaussian whose standard deviation is a share of the side."""
    return gaussian_filter(saliency.astype(np.float64), share * MAP_SIDE, mode="nearest")


# --- summary --------------------------------------------------------------------------------------


def summarise(
    scores: pd.DataFrame, ceilings: pd.DataFrame, used: Mapping[str, str], draws: int,
    rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """Mean over photographs of every score, its 95 % interval over photographs, and its ceiling.

    Parameters
    ----------
    scores : rows of `score` with columns attention, model, weights.
    ceilings : columns attention, map_kind, image, ceiling_name, value; one row for each photograph, or
        one row for all of them.
    used : for every attention set, the name of the ceiling that its scores are divided by.

    Controls without a model come once for each set, with empty model and weights. `rho_partial` is
    divided by the ceiling called ``{used}_partial`` where the set has one, and its ratio is NaN where it
    has none. Raises `UserError` for a ceiling that a set does not have.
    """
    free = scores["control"].isin(MODEL_FREE)
    scores = scores.assign(**{name: scores[name].astype(str) for name in ["model", "weights"]})
    scores.loc[free, ["model", "weights"]] = ""
    scores = scores.drop_duplicates([*JOB, "image", "map_kind", "saliency", "control"])
    rows = []
    keys = [*JOB, "map_kind", "saliency", "control"]
    for key, part in scores.groupby(keys, sort=False, observed=True):
        rows.append(dict(zip(keys, key, strict=True)) | _mean_row(part, draws, rng))
    table = pd.DataFrame(rows)
    sets = sorted(set(table["attention"]))
    mean = _ceilings_used(ceilings, used, sets)
    table = table.merge(mean, on=["attention", "map_kind"], how="left", validate="m:1")
    for name in ("rho", "rho_partial"):
        ceiling = table["ceiling" + name.removeprefix("rho")]
        for bound in ("", "_low", "_high"):
            table[f"{name}_over_ceiling{bound}"] = table[name + bound] / ceiling
    return table


def _mean_row(part: pd.DataFrame, draws: int, rng: np.random.Generator) -> dict:
    """Mean and interval of rho and rho_partial over the photographs of one group."""
    row = {
        "n_images": len(part),
        "undefined": int(part["rho"].isna().sum()),
        "label_source": part["label_source"].iloc[0],
    }
    for name in ("rho", "rho_partial"):
        values = part[name].dropna().to_numpy()
        low, high = bootstrap_mean(values, draws, rng)
        mean = float(mean_defined(values))
        row |= {name: mean, f"{name}_low": low, f"{name}_high": high}
    return row


def _ceilings_used(
    ceilings: pd.DataFrame, used: Mapping[str, str], sets: Iterable[str]
) -> pd.DataFrame:
    """Means over photographs of the ceiling that divides rho and of the one that divides rho_partial.

    One row for each set and kind of map, with the columns attention, map_kind, ceiling_name, ceiling and
    ceiling_partial (NaN where the set has none for partial scores).
    """
    parts = []
    for name in sets:
        known = ceilings[ceilings["attention"] == name]
        means = known.groupby(["map_kind", "ceiling_name"], observed=True)["value"].mean().unstack()
        if used.get(name) not in means:
            raise UserError(
                f"attention {name!r} has no ceiling {used.get(name)!r}; "
                + nearest(str(used.get(name)), list(means))
            )
        means = means.assign(ceiling=means[used[name]])
        means["ceiling_partial"] = means.get(f"{used[name]}_partial", np.nan)
        means = means[["ceiling", "ceiling_partial"]].reset_index()
        parts.append(means.assign(attention=name, ceiling_name=used[name]))
    return pd.concat(parts, ignore_index=True)


def published_ceilings(published: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """Ceilings that are known as one number, {attention: {"map name": value}}, in `summarise`'s form.

    Keys name a kind of map and a ceiling, for instance ``clicks inter_human``.
    """
    rows = [
        dict(zip(("attention", "map_kind", "ceiling_name"), (name, *key.split()), strict=True))
        | {"image": "", "value": value}
        for name, values in published.items()
        for key, value in values.items()
    ]
    return pd.DataFrame(rows, columns=["attention", "map_kind", "image", "ceiling_name", "value"])
