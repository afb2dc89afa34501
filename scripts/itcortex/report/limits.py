"""Where a run deviates from the paper, and what it cannot say: sentences that its own facts call for."""

import pandas as pd

from itcortex.encoding.ceilings import FEW_SITES, weakness
from itcortex.mappings.layer_scores import AT_EDGE, LOUD_UNIT
from itcortex.tables import panels
from itcortex.tables.trend_limits import MINIMUM_FAMILIES, MINIMUM_MODELS

_LAYERS = "Layers of more than 600 channels are used whole; the authors' code averages neighbours."
_CHOSEN = (
    "The layer is chosen without the test images; the paper reports the one that is best on them."
)
_EXACT = "PLS is solved exactly; the authors' inner loop stops before it has converged."
_SCALED = "Features are not scaled; the authors' code scales each image's features to [0, 1]."
#: What a protocol does otherwise than the paper's code.
DEVIATIONS = {
    "corrected": (_CHOSEN, _EXACT, _SCALED, _LAYERS),
    "reference": (
        "The protocol `reference` gives the authors' numbers; ceilings and intervals are ours.",
    ),
    "brainscore": ("The protocol is Brain-Score's, and not the paper's.", _CHOSEN),
}


def deviations(settings: dict) -> list[str]:
    """Where the protocol of a run is another one than the authors'."""
    encoding = settings["encoding"]
    found = [*DEVIATIONS[encoding["protocol"]]]
    if encoding["protocol"] == "corrected" and encoding["rule"] != "exact":
        found.remove(_EXACT)
    if encoding["components"] != 25:
        found.append(f"PLS has at most {encoding['components']} components; the paper's has 25.")
    if encoding["mappings"][0] != "pls":
        found.append(f"The main mapping is {encoding['mappings'][0]}; the paper's is PLS.")
    return found


def limits(summary: pd.DataFrame, tradeoff: pd.DataFrame) -> list[str]:
    """What the recordings, ceilings and networks of a run do not allow to say."""
    main = summary[summary["main_window"].astype(bool) & (summary["control"] == "none")]
    found = []
    if main["simulated"].astype(bool).any():
        found.append("Simulated recordings say nothing about the brain.")
    names = [name for name in main["ceiling_name"].dropna().unique() if weakness(name)]
    found += [
        f"The noise ceiling {str(name).replace('_', ' ')} is no upper bound: it is {weakness(name)}."
        for name in names
    ]
    few = main[main["n_sites"] < FEW_SITES]["recording"].astype(str).unique()
    if len(few):
        found.append(f"{', '.join(few)}: fewer than {FEW_SITES} sites.")
    found += [*_collapsed(main), _loud(main), _at_edge(main), _undefined(main)]
    found += [_tested(panel, panel.of(tradeoff)) for panel in panels.of_summary(summary)]
    found.append(
        "Networks differ in more than their accuracy: in training data, input size, architecture and "
        "year. A trend says nothing of what causes it."
    )
    return [sentence for sentence in dict.fromkeys(found) if sentence]


def _collapsed(main: pd.DataFrame) -> list[str]:
    """Which networks no longer say what they said before they were trained here, and how far."""
    marked = main[main["mark"] != ""].drop_duplicates(["model", "weights"])
    return [
        f"{row.model} {row.mark} (column mark). Its training changed more than where it looks: its rows "
        "are those of another classifier."
        for row in marked.itertuples()
    ]


def _loud(main: pd.DataFrame) -> str:
    """Which networks have a unit beside which others are hardly seen."""
    loud = _networks(main, main["loudest_unit"] > LOUD_UNIT)
    if not loud:
        return ""
    return (
        f"{loud}: a unit of some layer varies more than {LOUD_UNIT} times as much as the median unit "
        "(column loudest_unit). Ridge, RSA and CKA hardly see the other units of such a layer, and PLS "
        "spends a component on it."
    )


def _at_edge(main: pd.DataFrame) -> str:
    """Which networks have ridge penalties at an end of the grid."""
    edge = _networks(main, main["penalty_at_edge"] >= AT_EDGE)
    if not edge:
        return ""
    return (
        f"{edge}: the best ridge penalty of {100 * AT_EDGE:.0f} % or more of the sites is the smallest "
        "or the largest that was tried (column penalty_at_edge). Of sites that a layer does not predict "
        "the largest is always best; else widen encoding: ridge: penalties."
    )


def _undefined(main: pd.DataFrame) -> str:
    """Recordings with folds that no score is from."""
    rows = main[main["undefined_folds"] > 0]
    most = rows.groupby("recording", observed=True, sort=False)["undefined_folds"].max()
    named = ", ".join(f"{name} ({count})" for name, count in most.items())
    return named and (
        f"{named}: folds in which no site's responses vary have no score, and are left out of the mean "
        "(column undefined_folds)."
    )


def _networks(main: pd.DataFrame, which: pd.Series) -> str:
    names = main["model"].astype(str) + " " + main["weights"].astype(str)
    return ", ".join(names[which].unique())


def _tested(panel: panels.Panel, tradeoff: pd.DataFrame) -> str:
    rows = tradeoff[(tradeoff["statistic"] == "spearman") & (tradeoff["group"] == "all")]
    if rows.empty:
        return ""
    row = rows.iloc[0]
    if row["n_models"] < MINIMUM_MODELS:
        return f"{panel.title}: with {row['n_models']} networks the trade-off cannot be tested."
    if row["n_families"] < MINIMUM_FAMILIES:
        return f"{panel.title}: {row['n_families']} families are too few for an interval."
    return ""
