"""What a caption adds to a figure: the paper's claim, the paper's number, and ours.

One function for each figure that has such numbers, tables in, sentences out. Scripts put them behind the
text that `itcortex.workflow.products` has, and both reports show the whole.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from itcortex.figures import people, recording_pairs, training
from itcortex.figures.accuracy import rho_text
from itcortex.tables import condition_words, multiverse, panels, paper
from itcortex.tables.alignment import rank_trend
from itcortex.tables.condition_contrasts import are_harmonized
from itcortex.tables.numbers import number
from itcortex.tables.published import at_cut, in_trend
from itcortex.tables.trend_limits import NOT_BASELINE

MOST = 6  # panels whose numbers are written out
ON_MAPS = (
    "The paper says that accurate networks rely on other features of an image than IT, and shows it by "
    "maps of two networks, without a number."
)
ARRAYS = {"m1_pl": "M1 PL", "m1_ml": "M1 ML", "m2_ml": "M2 ML"}


def here(found: Mapping[str, str], most: int = MOST) -> str:
    """Our numbers by what they are of, as one sentence."""
    told = [f"{text} ({name})" for name, text in list(found.items())[:most]]
    more = f"; {len(found) - most} more panels in the table" if len(found) > most else ""
    return f"Here: {'; '.join(told)}{more}." if told else "Here: nothing can be said."


def of_tradeoff(summary: pd.DataFrame, tradeoff: pd.DataFrame, score: str) -> str:
    """Rank correlation of accuracy and predictivity, and how far harmonized networks lie above."""
    read = ", ".join(f"{number(paper.RANK[name])} ({array})" for name, array in ARRAYS.items())
    main = summary[summary.main_window.astype(bool) & (summary.control == "none")]
    ranks, gains = {}, {}
    for panel in panels.of_summary(main):
        rows = panel.of(tradeoff)
        rows = rows[(rows.statistic == "spearman") & (rows.group == "all") & (rows.score == score)]
        if len(rows):
            ranks[panel.title] = rho_text(rows.iloc[0])
        scores = panel.of(main).dropna(subset=[score])
        ours = scores[are_harmonized(scores)][score]
        others = panels.not_tuned_here(scores[~scores.category.isin(NOT_BASELINE)])[score]
        if len(ours) and len(others):
            gains[panel.title] = number(ours.mean() - others.max(), 3)
    text = "The paper says that predictivity falls as accuracy rises; read off its figure, "
    text += f"ρ = {read}. {here(ranks)}"
    if gains:
        read = ", ".join(number(paper.GAIN[name], 3) for name in ARRAYS)
        text += (
            " It says that harmonized networks break the trade-off: their mean lies above the best "
            f"other network, by {read} as read off. {here(gains)}"
        )
    return text


def of_recording_pairs(pairs: pd.DataFrame, mapping: str) -> str:
    """What the other recording of every pair reaches, with its interval."""
    shown = recording_pairs.scored(pairs, mapping).to_dict("records")
    found = {recording_pairs.title(pair): recording_pairs.score(pair) for pair in shown}
    return f"The paper does not predict recordings from recordings. {here(found)}"


def of_generalisation(table: pd.DataFrame) -> str:
    """Mean drop over networks on every recording and division, and the range of it."""
    found = {}
    for (recording, split), rows in table[table["drop"].notna()].groupby(
        ["recording", "split"], observed=True, sort=False
    ):
        low, high = number(rows["drop"].min(), 3), number(rows["drop"].max(), 3)
        found[f"{recording}, {split}"] = (
            f"r drops by {number(rows['drop'].mean(), 3)} on average, from {low} to {high} of "
            f"{len(rows)} networks"
        )
    return f"The paper holds out one image at a time, and nothing else. {here(found)}"


def of_concepts(encoding: pd.DataFrame) -> str:
    """What concepts keep of the layer's predictivity, network by network."""
    found = {
        f"{row.model} {row.weights}": (
            f"{row.n_concepts} concepts keep {number(row.kept)} [{number(row.kept_low)}, "
            f"{number(row.kept_high)}] of the layer's r of {number(row.r_layer)}"
        )
        for row in encoding.itertuples()
    }
    text = "The paper shows concepts of a harmonized and a plain ResNet-50, and gives no number. "
    return text + here(found)


def of_layers(scores: pd.DataFrame) -> str:
    """Depth of the chosen layers."""
    chosen = scores[scores.chosen & (scores.control == "none") & scores.main_window.astype(bool)]
    text = "The paper reports each network's best layer, chosen on the test images, and no depth. "
    if chosen.empty:
        return text + here({})
    low, middle, high = (number(value) for value in np.quantile(chosen.depth, [0.25, 0.5, 0.75]))
    return text + here({"relative depth": f"chosen layers at {middle}, quartiles {low} and {high}"})


def of_maps(alignment: Mapping[str, Mapping[str, np.ndarray]]) -> str:
    """Mean rank correlation of maps over images: {recording: {model: (image,)}}."""
    means = {
        f"{model}, {name}": f"mean ρ = {number(np.nanmean(rho))}"
        for name, models in alignment.items() for model, rho in models.items()
        if np.isfinite(rho).any()
    }  # fmt: skip
    return f"{ON_MAPS} {here(means)}"


def of_alignment(networks: pd.DataFrame, summary: pd.DataFrame, draws: int, rng) -> str:
    """Rank correlation of accuracy and alignment of maps at the full grid."""
    full = networks[networks.scale == 1]
    titles = {panel.recording: panel.title for panel in panels.of_summary(summary)}
    found = {
        titles[name]: rho_text(rank_trend(rows, "top1", "rho", draws, rng))
        for name, rows in full.groupby("recording", observed=True, sort=False)
    }
    text = (
        "The paper says that maps of accurate networks fit those of IT less, and gives no number. "
    )
    return text + (here(found) if found else "Here: no recording has a grid.")


def of_recordings(shapes: Mapping[str, tuple[int, int, int, int]]) -> str:
    """Images, rows, columns and sites of every recording."""
    found = {
        name: f"{images:,} images, {columns} x {rows} positions, {sites} sites"
        for name, (images, rows, columns, sites) in shapes.items()
    }
    text = "The paper has three arrays of two macaques, 14 images at 17 x 17 or 9 x 9 positions. "
    return text + here(found)


def of_timecourse(summary: pd.DataFrame) -> str:
    """The window in which the best network is predicted best, of every recording with time."""
    real = summary[(summary.control == "none") & summary.r.notna() & summary.window_start.notna()]
    found = {}
    for panel in panels.of_summary(real) if len(real) else ():
        best = panels.not_tuned_here(panel.of(real)).sort_values("r").iloc[-1]
        found[panel.title] = (
            f"r = {number(best.r)} at {best.window_start:g}-{best.window_stop:g} ms"
        )
    return "The paper scores 40 ms windows from 50 to 170 ms, by no stated rule. " + here(found)


def of_attention(table: pd.DataFrame, saliency: str, draws: int, rng) -> str:
    """Rank correlation of accuracy and agreement with people."""
    models = table[(table.control == "none") & (table.saliency == saliency)]
    found = {
        " ".join(key): rho_text(rank_trend(rows, "top1", "rho", draws, rng))
        for key, rows in models.groupby(["attention", "map_kind"], observed=True, sort=False)
    }
    return (
        "The paper builds on the finding that accurate networks look elsewhere than people; over "
        f"{paper.LAB_NETWORKS} networks its lab finds ρ = {number(paper.LAB_ALIGNMENT)} with ClickMe. "
        + here(found)
    )


def of_people(joined: pd.DataFrame, score: str, draws: int, rng) -> str:
    """Rank correlation of agreement with people and predictivity; `joined` by `people.join`."""
    names = ["recording", "attention", "map_kind"]
    found = {
        ", ".join(key): rho_text(people.trend(rows, score, draws, rng))
        for key, rows in joined.groupby(names, observed=True, sort=False)
    }
    return (
        "The paper says that networks harmonized with people predict IT better; it gives no correlation "
        "of the two over networks. " + here(found)
    )


def of_multiverse(table: pd.DataFrame, influence: pd.DataFrame) -> str:
    """The share of specifications that rise and fall."""
    said = multiverse.sentence(table, influence).replace("`", "")
    return f"The paper reports one analysis. Here: {said}"


def of_range(
    curve: pd.DataFrame, labels: Mapping[str, str], cut: float, sources: Iterable[str]
) -> str:
    """Rank correlation of IT over all networks and above a cut."""
    found, rows = {}, curve[(curve["subset"] == "all") & (curve["region"] == "IT")]
    for source in sources:
        some = rows[rows["source"] == source]
        ends = [at_cut(some, value) for value in (-np.inf, cut)] if len(some) else []
        values = [number(rows["value"].iloc[0]) for rows in ends if len(rows)]
        if len(values) == 2:
            text = f"ρ = {values[0]} over all, {values[1]} from {cut:g} %"
            found[labels.get(source, source)] = text
    return "The paper says that the correlation is negative. " + here(found)


def of_published(scores: pd.DataFrame, line: Mapping[str, str], cut: float, claim: str) -> str:
    """Rank correlation of one line of a published table, over all and above a cut."""
    rows = in_trend(scores)
    for column, value in line.items():
        rows = rows[rows[column] == value]
    found = {}
    for name, some in (("all", rows), (f"from {cut:g} %", rows[rows["accuracy"] >= cut])):
        rho = some[["accuracy", "score"]].corr("spearman").iloc[0, 1] if len(some) > 2 else np.nan
        found[f"{name}, n = {len(some)}"] = f"ρ = {number(rho)}"
    return f"{claim} {here(found)}"


def of_shortcut(table: pd.DataFrame) -> str:
    """Predictivity at the lowest and the highest strength."""
    found = {}
    for model, rows in table.groupby("model", sort=False):
        mean = rows.groupby("strength")["r_over_ceiling"].mean()
        ends = f"r / ceiling {number(mean.iloc[0])} at strength {mean.index[0]:g}"
        found[model] = f"{ends}, {number(mean.iloc[-1])} at {mean.index[-1]:g}"
    text = (
        "The paper says that harmonized networks predict IT better, by .042 to .048 as read off. "
    )
    return text + here(found)


def of_training(history: pd.DataFrame) -> str:
    """Accuracy at the last epoch of every strength, or how far a network keeps its own answers."""
    if "validation_agreement" in history:
        return _of_own_labels(history)
    if "validation_accuracy" not in history:
        return ""
    last = history[history["epoch"] == history["epoch"].max()]
    means = last.groupby("strength")["validation_accuracy"].mean()
    found = {f"strength {s:g}": f"{number(100 * value, 1)} %" for s, value in means.items()}
    return (
        "The paper's harmonized networks have 69.3 to 78.4 % top-1 on ImageNet. Accuracy at the end. "
        + here(found)
    )


def _of_own_labels(history: pd.DataFrame) -> str:
    """Agreement with the network before, at the kept epochs of every group of trainings."""
    rows = training.kept(history)
    means = rows.groupby(training.groups_of(rows), sort=False)["validation_agreement"].mean()
    found = {name: f"{number(100 * value, 0)} %" for name, value in means.items()}
    return (
        "The paper trains on ImageNet's labels. Here the labels are the network's own answers before "
        "training; photographs with the same first class afterwards. " + here(found)
    )


def of_conditions(table: pd.DataFrame, score: str, mapping: str) -> str:
    """Predictivity of every area of several recordings, or recording: human maps against the others."""
    found = [
        condition_words.sentence(
            table,
            f"predictivity of {target}",
            measure=score,
            target=target,
            mapping=mapping,
            strength=strength,
        )
        for strength in condition_words.strengths(table)
        for target in condition_words.headline(table, score, mapping)
    ]
    found = found or condition_words.sentences(table, score, mapping)[:1]  # of RDMs or people
    said = [*found, *condition_words.collapsed(table)]
    return "The paper has no other maps than people's. Here: " + " ".join(said)


def of_rsa(table: pd.DataFrame) -> str:
    """The network whose chosen layer is most similar, for every set of RDMs."""
    found = {}
    known = panels.not_tuned_here(table[table.final].dropna(subset="rho_chosen_held_out"))
    for rdm, rows in known.groupby("rdm", sort=False):
        best = rows.sort_values("rho_chosen_held_out").iloc[-1]
        found[f"{best.model}, {rdm}"] = f"highest ρ = {number(best.rho_chosen_held_out)}"
    return "The paper compares no dissimilarities. " + here(found)


def of_pairs(comparison: pd.DataFrame) -> str:
    """How many networks are where the other table lets one expect them."""
    inside, expected = comparison["n_inside"].sum(), comparison["n_expected"].sum()
    found = {"networks of all panels": f"{inside} of {expected} inside"} if expected else {}
    return "The paper compares itself with no other table. " + here(found)
