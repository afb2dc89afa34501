"""What a run found, in plain sentences made from its tables; no sentence says more than they do."""

import numpy as np
import pandas as pd

from itcortex.data.recordings import CONFIGURED
from itcortex.encoding.ceilings import FEW_SITES, weakness
from itcortex.encoding.orientation import LOWEST_R
from itcortex.tables import condition_words
from itcortex.tables.numbers import bounds, number
from itcortex.tables.panels import Panel, model_names, not_tuned_here, of_summary
from itcortex.tables.trends import FEW_FAMILIES

SLOPES = {
    "slope": "Over all networks trained for accuracy alone the score changes by",
    "quantile_slope": "Among the best at each accuracy (0.9 quantile) it changes by",
    "frontier_slope": "The upper frontier, which cannot rise past its peak, changes by",
}


def interval(low: float, high: float, digits: int = 2) -> str:
    """A 95 % interval in words; empty where there is none."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return ""
    return "95 % CI {} to {}".format(*bounds(low, high, digits))


def in_short(summary: pd.DataFrame, tradeoff: pd.DataFrame) -> list[str]:
    """The run's answer to the paper's question; recordings with the same answer share a sentence."""
    titles: dict[str, list[str]] = {}
    for panel in of_summary(summary):
        answer = _rank(_statistic(panel.of(tradeoff), "spearman"))
        titles.setdefault(answer, []).append(panel.title)
    return [f"{'; '.join(of_answer)}: {answer}" for answer, of_answer in titles.items()]


def human_maps(conditions: pd.DataFrame | None) -> list[str]:
    """What human maps change, a sentence for every measure; none without conditions.

    Of predictivity by the first mapping in the table, which is the main one.
    """
    if conditions is None:
        return []
    of_recordings = conditions[conditions["mapping"] != ""]["mapping"]
    mapping = of_recordings.iloc[0] if len(of_recordings) else ""
    return condition_words.sentences(conditions, "r", mapping)


def without_accuracy(models: pd.DataFrame) -> list[str]:
    """Networks with scores that are in no trend, because the model table has no accuracy for them.

    Those that were trained here by condition stand in the table of conditions, and are not named.
    """
    rows = models[(models["missing"] == "") & models["top1"].isna() & (models["condition"] == "")]
    return [f"{row.model} {row.weights}" for row in rows.itertuples()]


def turned_grids(orientation: pd.DataFrame) -> list[str]:
    """Recordings that the models predict better with the grid turned, or in no orientation."""
    known = orientation.dropna(subset="r")
    mean = known.groupby(["recording", "orientation"], observed=True, sort=False)["r"].mean()
    warnings = []
    for recording, values in mean.groupby(level=0, observed=True, sort=False):
        best = values.idxmax()[1]
        if best != CONFIGURED:
            warnings.append(
                f"{recording}: r is {number(values.get((recording, CONFIGURED)))} as configured, "
                f"{number(values.max())} if {best}"
            )
    highest = known.groupby("recording", observed=True, sort=False)["r"].max()
    warnings += [
        f"{recording}: no model predicts any orientation of the grid well (r is at most {number(r)})"
        for recording, r in highest.items()
        if r < LOWEST_R
    ]
    return warnings


def sentences(panel: Panel, summary: pd.DataFrame, tradeoff: pd.DataFrame) -> list[str]:
    """What one recording showed: best model, untrained networks, control, layer choice, slopes.

    Parameters
    ----------
    summary, tradeoff : the whole tables; `panel` picks its rows.
    """
    rows = panel.of(summary)
    rows = rows[rows.main_window.astype(bool)]
    rows = rows.assign(name=model_names(rows))
    real = rows[(rows.control == "none") & np.isfinite(rows.r)]
    found = [
        _images(real),
        _best(real[real.category != "untrained"]),
        _untrained(real),
        _shuffled(rows[rows.control == "shuffled_images"]),
        _optimism(real),
        *_slopes(panel.of(tradeoff)),
    ]
    return [sentence for sentence in found if sentence]


_WHOSE = {
    "yes": "of the same animal, which makes it an optimistic ceiling for another animal",
    "partly": "partly of the same animal, which makes it an optimistic ceiling for another animal",
    "no": "of another animal",
    "unknown": "of an animal that is not named: if it is the same, an optimistic ceiling for another",
}


def from_others(panel: Panel, pairs: pd.DataFrame | None, shared: pd.DataFrame | None) -> list[str]:
    """What other recordings predict of this one, and networks on the same images; no percentage.

    `pairs` and `shared` are the tables recording_pairs and shared_images; None without any.
    """
    if pairs is None:
        return []
    found = []
    for pair in panel.of(pairs).itertuples():
        whose = _WHOSE[pair.same_monkey]
        text = (
            f"Recording predicts recording: on the {pair.n_shared} images that were shown in "
            f"{pair.sources} too, its {pair.n_source_sites} sites predict these with "
            f"r = {number(pair.r)} ({interval(pair.r_low, pair.r_high)}). It is {whose}, and no upper "
            "bound."
        )
        rows = panel.of(shared)
        rows = rows[(rows["ceiling_name"] == pair.ceiling_name) & (rows["category"] != "untrained")]
        rows = not_tuned_here(rows)
        if np.isfinite(rows["r"]).any():
            best = rows.loc[rows["r"].idxmax()]
            text += (
                f" On the same images the best trained network, {best['model']}, reaches "
                f"r = {number(best['r'])}: {_more(best)}."
            )
        found.append(text)
    return found


def _more(best: pd.Series) -> str:
    """How a network compares with another recording on the same images."""
    limits = interval(best["low"], best["high"])
    if best["low"] > 0:
        return f"{number(best['difference'])} more than the other recording ({limits})"
    if best["high"] < 0:
        less = number(-best["difference"])
        return f"{less} less than the other recording (difference: {limits})"
    return f"no clear difference from the other recording ({number(best['difference'])}, {limits})"


def _best(trained: pd.DataFrame) -> str:
    """The trained network with the highest score, raw and against the ceiling."""
    if trained.empty:
        return "No trained network has a score."
    every, trained = len(trained), not_tuned_here(trained)
    best = trained.loc[trained.r.idxmax()]
    limits = interval(best.r_low, best.r_high)
    ours = len(trained) < every
    which = f"Of {len(trained)} trained networks {'from elsewhere ' if ours else ''}"
    which += f"{best['name']} predicts best"
    if len(trained) == 1:
        which = (
            f"The only {'network not trained here' if ours else 'trained network'}, {best['name']},"
        )
        which += " predicts"
    text = f"{which}: r = {number(best.r)}" + (f" ({limits})" if limits else "")
    if not np.isfinite(best.r_over_ceiling):
        return text + ". There is no noise ceiling to compare this with."
    kind = str(best.ceiling_name).replace("_", " ")
    few = f" The array has {best.n_sites} sites only." if best.n_sites < FEW_SITES else ""
    if why := weakness(best.ceiling_name):
        return (
            f"{text}. The noise ceiling ({kind}) is {number(best.ceiling)}, but it is no upper bound: "
            f"it is {why}.{few}"
        )
    if best.r_over_ceiling > 1:
        return (
            f"{text}. The noise ceiling ({kind}) is estimated at {number(best.ceiling)}, which is below "
            f"the score: it bounds nothing here.{few}"
        )
    share = number(100 * best.r_over_ceiling, 0)
    return f"{text}, which is {share} % of the noise ceiling ({kind}: {number(best.ceiling)}).{few}"


def _images(real: pd.DataFrame) -> str:
    """Twins and kinds among the images, and what kinds do to the scores; empty where there are none."""
    if real.empty:
        return ""
    first, text = real.iloc[0], ""
    if first.n_twins:
        text = (
            f"{first.n_twins} of the {first.n_images} images have a twin with the same pixels; twins "
            "were kept together wherever images were divided. "
        )
    if first.n_kinds < 2:
        return text.strip()
    starts, matter = not_tuned_here(real), real[real.kinds_matter.astype(bool)]
    best = starts.loc[starts.r.idxmax()]
    limits = interval(best.r_within_kinds_low, best.r_within_kinds_high) or "no interval"
    text += (
        f"The images are of {first.n_kinds} kinds. Within kinds the best network, {best['name']}, "
        f"reaches r = {number(best.r_within_kinds)} ({limits}), against {number(best.r)} over all "
        "images. "
    )
    if matter.empty:
        return text + "No network differs by more than the interval of its r."
    return text + (
        f"Warning: for {len(matter)} of {len(real)} networks r within kinds lies outside the interval "
        "of r: telling the kinds of image apart makes a part of these scores."
    )


def _untrained(real: pd.DataFrame) -> str:
    """Whether training on ImageNet matters at all: trained against untrained networks."""
    untrained, trained = (
        real[real.category == "untrained"],
        not_tuned_here(real[real.category != "untrained"]),
    )
    if untrained.empty or trained.empty:
        return ""
    best = untrained.loc[untrained.r.idxmax()]
    above = int((trained.r > best.r).sum())
    every = f"all {above}" if above == len(trained) else f"{above} of {len(trained)}"
    if len(trained) == 1:
        every = "the only" if above else "not the only"
    return (
        f"The best untrained network, {best['name']}, reaches r = {number(best.r)}; {every} trained "
        f"{'network scores' if len(trained) == 1 else 'networks score'} above it."
    )


def _shuffled(control: pd.DataFrame) -> str:
    """The control with shuffled images, which should be about zero."""
    known = control.r.dropna()
    if known.empty:
        return ""
    low, high = number(known.min()), number(known.max())
    scores = f"are {low}" if low == high else f"lie between {low} and {high}"
    return (
        f"With the images shuffled, scores {scores} on average (expected: about 0, and above it on a "
        "grid, as far as positions alone predict)."
    )


def _optimism(real: pd.DataFrame) -> str:
    """How much a layer picked on the test images themselves would have gained."""
    if not np.isfinite(real.optimism).any():
        return ""
    return (
        "Layers were chosen without the test images; choosing them on the test images would have "
        f"raised r by {number(real.optimism.mean(), 3)} on average."
    )


def _statistic(tradeoff: pd.DataFrame, name: str) -> pd.Series | None:
    """One statistic over all baseline models."""
    rows = tradeoff[(tradeoff.statistic == name) & (tradeoff.group == "all")]
    return None if rows.empty else rows.iloc[0]


def _rank(one: pd.Series | None) -> str:
    """What the rank correlation of accuracy and score says, and when it cannot say anything."""
    if one is None:
        return "the trade-off was not tested."
    if not np.isfinite(one.value):
        return f"the trade-off cannot be tested in this run ({one.note})."
    limits = interval(one.low, one.high)
    text = f"Spearman ρ = {number(one.value)}" + (f" ({limits}" if limits else " (no interval")
    text += f"; {one.n_models} models of {one.n_families} families): "
    if not limits:
        return text + "whether this differs from chance cannot be said."
    few = one.n_families < FEW_FAMILIES
    caution = " With so few families the interval is a rough guide and too narrow." if few else ""
    if one.high < 0:
        return text + "more accurate networks predict worse." + caution
    if one.low > 0:
        return text + "more accurate networks predict better." + caution
    return text + "the interval includes zero, so neither a fall nor a rise is shown." + caution


def _slopes(tradeoff: pd.DataFrame) -> list[str]:
    """The trade-off of the bulk of models, of the best at each accuracy, and of the frontier."""
    found = []
    for name, what in SLOPES.items():
        one = _statistic(tradeoff, name)
        if one is None or not np.isfinite(one.value):
            continue  # `in_short` says why nothing could be tested
        limits = interval(one.low, one.high, 4) or "no interval"
        found.append(f"{what} {number(one.value, 4)} per percentage point of accuracy ({limits}).")
    return found
