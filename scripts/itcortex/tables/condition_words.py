"""What the table of conditions says, in words that say no more than it does."""

import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd

from itcortex.tables import condition_trainings as trainings
from itcortex.tables import condition_verdicts as verdicts
from itcortex.tables.condition_contrasts import CONTROLS, HUMAN, LABELS, NONE
from itcortex.tables.condition_marks import ONE_SEED, OTHER_SEEDS
from itcortex.tables.numbers import bounds, number

_DIGITS, _SMALL = 3, 0.01
_BY_CHANCE = 0.05  # of intervals of 95 %
_SYMBOLS = {"r": "r", "r_over_ceiling": "r over the ceiling"}
#: Other ways to take predictivity, told beside r.
_BESIDE = {
    "r_same_layer": "predictivity of {target} at the layers that strength 0 chose (r)",
    "r_within_kinds": "predictivity of {target} within kinds of image (r)",
    "r_median": "the published score of {target} (r, median over sites)",
}
_WHAT = {
    "rsa": "the similarity with the dissimilarities {target} (ρ)",
    "attention": "the agreement of {maps} with people ({map_kind}, ρ)",
    "attention_partial": "that of {maps} beyond the usual places ({map_kind}, partial ρ)",
    "agreement": "the share of photographs with the same first class as before training",
    "divergence": "the divergence of the answers from those before training (nats)",
}


def headline(table: pd.DataFrame, measure: str, mapping: str) -> list[str]:
    """The targets whose differences are told: areas of several recordings, and recordings without one.

    `measure` is a measure of recordings, as `r` or `r_over_ceiling`.
    """
    rows = table[(table["measure"] == measure) & (table["mapping"] == mapping)]
    areas = rows[rows["n_targets"] > 1]
    chosen = areas if len(areas) else rows
    return list(dict.fromkeys(chosen["target"]))


def strengths(table: pd.DataFrame, *, main: bool = True) -> list[float]:
    """The main strengths of rows over models, or all others; NaN is that of models at their own."""
    rows = table[(table["model"] == "") & (table["main_strength"].astype(bool) == main)]
    found = sorted(rows["strength"].drop_duplicates(), key=lambda one: (np.isnan(one), one))
    return found if main else [one for one in found if one not in strengths(table)]


def contrast(
    table: pd.DataFrame, condition: str, compared_with: str, **where: str | float
) -> pd.Series | None:
    """The row over models of one contrast and measure; None where there is none with a difference.

    Without a strength in `where` it is that of the lowest main strength.
    """
    rows = _rows(table, condition, compared_with, **where)
    return rows.iloc[0] if len(rows) and np.isfinite(rows["difference"].iloc[0]) else None


def _rows(
    table: pd.DataFrame, condition: str, compared_with: str, **where: str | float
) -> pd.DataFrame:
    """Its rows, that of the lowest main strength first where `where` has none."""
    chosen = (table["condition"] == condition) & (table["compared_with"] == compared_with)
    chosen &= table["model"] == ""
    for column, value in where.items():
        known = table[column]
        chosen &= known.isna() if isinstance(value, float) and np.isnan(value) else known == value
    rows = table[chosen]
    if "strength" not in where:
        rows = rows[rows["main_strength"].astype(bool)].sort_values("strength", kind="stable")
    return rows


def interval(row: pd.Series) -> str:
    """A difference with its 95 % interval, `+0.012 [0.003, 0.021]`; small ones have a digit more.

    An interval that does not hold how seeds differ is followed by `(one seed)`.
    """
    known = np.isfinite([row["low"], row["high"]]).all()
    largest = np.abs(row[["difference", "low", "high"]].astype(float)).max()
    digits = _DIGITS + (known and 0 < largest < _SMALL)
    sign = "+" if round(row["difference"], digits) > 0 else ""
    text = sign + number(row["difference"], digits)
    if not known:
        return f"{text} (no interval)"
    return text + " [{}, {}]".format(*bounds(row["low"], row["high"], digits)) + _one_seed(row)


def _one_seed(row: pd.Series) -> str:
    """What is said behind an interval that does not hold how seeds differ."""
    if ONE_SEED not in str(row.get("note", "")):
        return ""
    some = "" if row["n_seeds"] <= row["n_models"] else " of some networks"
    return f" (one seed{some})"


def controls(table: pd.DataFrame, **where: str | float) -> dict[str, pd.Series]:
    """Human maps against every control that there is."""
    found = {name: contrast(table, HUMAN, name, **where) for name in CONTROLS}
    return {name: row for name, row in found.items() if row is not None}


def changes(table: pd.DataFrame, **where: str | float) -> verdicts.Changes:
    """All differences of a measure that there are."""
    own = {name: contrast(table, name, NONE, **where) for name in CONTROLS}
    own = {name: row for name, row in own.items() if row is not None}
    against = controls(table, **where)
    unpaired = [
        name
        for name in CONTROLS
        if name not in against
        and _rows(table, HUMAN, name, **where)["note"].str.contains(OTHER_SEEDS).any()
    ]
    return verdicts.Changes(contrast(table, HUMAN, NONE, **where), own, against, unpaired)


def verdict(table: pd.DataFrame, **where: str | float) -> str:
    """What human maps change beyond strength 0 and both controls, in a clause."""
    return _verdict(changes(table, **where))


def _verdict(found: verdicts.Changes) -> str:
    """The verdict, and which of the networks that it is of collapsed."""
    told = trainings.collapsed_of(found.rows())
    return verdicts.verdict(found) + (f" ({told})" if told else "")


def sentence(table: pd.DataFrame, what: str, **where: str | float) -> str:
    """One measure in a sentence: human maps against strength 0 and controls, and the verdict.

    What a control changes against strength 0 is told where its interval excludes zero. `what` names the
    measure, as in "predictivity of V4".
    """
    found = changes(table, **where)
    row = found.human
    if row is None:
        return f"Of {what} nothing can be said: no network and its strength 0 were both scored."
    text = f"Human maps{at_strength(row)} change {what} by {interval(row)} against {LABELS[NONE]}"
    parts = [text, *(f"by {interval(one)} against {LABELS[name]}"
                     for name, one in found.against.items())]  # fmt: skip
    moved = " and ".join(
        f"{LABELS[name]} by {interval(one)}"
        for name, one in found.controls.items() if verdicts.sign(one)
    )  # fmt: skip
    beside = f"; against {LABELS[NONE]} it changes with {moved}" if moved else ""
    said = _verdict(found)
    return f"{', '.join(parts)}{beside}{_sites(row)}: {said}.{_cost(row)}"


def _sites(row: pd.Series) -> str:
    """The share of sites that are predicted better; nothing for other measures."""
    if not np.isfinite(row["sites_higher"]):
        return ""
    share = number(100 * row["sites_higher"], 0)
    return f" ({share} % of sites are predicted better than at {LABELS[NONE]})"


def at_strength(row: pd.Series) -> str:
    """The strength of a row, to stand behind what it is about: ` (strength 10)`."""
    return f" (strength {row['strength']:g})" if np.isfinite(row["strength"]) else ""


def _cost(row: pd.Series) -> str:
    """What a change of a network's own answers means."""
    if row["measure"] == "agreement" and verdicts.sign(row) < 0:
        lost = number(-100 * row["difference"], 0)
        return f" This is a cost: {lost} % of held-out photographs have another first class than before."
    if row["measure"] == "divergence" and verdicts.sign(row) > 0:
        return " This is a cost: the answers have moved away from what the network said before."
    return ""


def sentences(table: pd.DataFrame, measure: str, mapping: str) -> list[str]:
    """What human maps change of every measure, a sentence each: predictivity first, their number last.

    `measure` and `mapping` say which predictivity, as in `headline`. At main strengths all measures are
    told, at further ones predictivity alone.
    """
    told = [*_told(table, measure, mapping)]
    found = [sentence(table, what, **where) for what, where in told]
    of_told = [changes(table, **where) for _, where in told]
    rows = [
        row for one in of_told if one.human is not None for row in one.all() if not _one_way(row)
    ]
    of_floor = [said for strength in strengths(table) if (said := at_floor(table, strength))]
    return [*found, *trainings.other_seeds(table), *collapsed(table), *of_floor, *_how_many(rows)]


def _told(
    table: pd.DataFrame, measure: str, mapping: str
) -> Iterator[tuple[str, dict[str, str | float]]]:
    """What is told, in its order: how it is called, and where it is in the table."""
    for strength in strengths(table):
        yield from _predictivity(table, measure, mapping, strength)
        if measure == "r":
            for beside in _BESIDE:
                yield from _predictivity(table, beside, mapping, strength)
        rest = table[table["measure"].isin(_WHAT) & (table["saliency"] != "blurred")]
        keys = ["measure", "target", "map_kind", "saliency"]
        for key in rest[keys].drop_duplicates().itertuples(index=False, name=None):
            where = dict(zip(keys, key, strict=True))
            yield _WHAT[where["measure"]].format(**_named(where)), where | {"strength": strength}
    for strength in strengths(table, main=False):
        yield from _predictivity(table, measure, mapping, strength)


def _predictivity(
    table: pd.DataFrame, measure: str, mapping: str, strength: float
) -> Iterator[tuple[str, dict[str, str | float]]]:
    symbol = _SYMBOLS.get(measure, "")
    what = _BESIDE.get(measure, f"predictivity of {{target}} ({symbol})")
    for target in headline(table, measure, mapping):
        where = {"measure": measure, "target": target, "mapping": mapping, "strength": strength}
        yield what.format(target=target), where


def collapsed(table: pd.DataFrame) -> list[str]:
    """Which trainings collapsed, a sentence a strength where any did; captions and findings have it."""
    found = []
    for strength in [*strengths(table), *strengths(table, main=False)]:
        of = table["strength"].isna() if np.isnan(strength) else table["strength"] == strength
        rows = [row for _, row in table[of & (table["model"] == "")].iterrows()]
        if told := trainings.collapsed_of(rows):
            found.append(trainings.collapsed_sentence(told, at_strength(rows[0])))
    return found


def at_floor(table: pd.DataFrame, strength: float) -> str:
    """How many trainings stand at the least agreement of a kept epoch; empty where none does."""
    where = {"measure": "agreement", "strength": strength}
    rows = [contrast(table, name, NONE, **where) for name in (HUMAN, *CONTROLS)]
    known = [row for row in rows if row is not None]
    return trainings.at_floor(known, at_strength(known[0])) if known else ""


def _one_way(row: pd.Series) -> bool:
    """Whether a difference can have one sign alone: that of answers from those of strength 0.

    Strength 0 answers as the network before training did, so that agreement can only fall and divergence
    only rise, whatever the maps.
    """
    return row["measure"] in ("agreement", "divergence") and row["compared_with"] == NONE


def _how_many(rows: list[pd.Series]) -> list[str]:
    """How many intervals exclude zero, and how many would by chance; of differences with two signs."""
    if not rows:
        return []
    excluded = sum(map(bool, map(verdicts.sign, rows)))
    return [
        f"Of the {len(rows)} differences that these sentences rest on (but for those of answers from "
        f"{LABELS[NONE]}, which have one sign alone), {excluded} have a 95 % interval that excludes "
        f"zero; if no maps changed anything, about {number(_BY_CHANCE * len(rows), 0)} would by chance. "
        "Intervals are not corrected for that number, and many measures go together."
    ]


def _named(where: dict[str, str]) -> dict[str, str]:
    """Words for a measure of people or of RDMs."""
    names = {"raw": "the gradient", "covering": "maps of covering"}
    return where | {"maps": names.get(where["saliency"], where["saliency"])}


def readme_line(table: pd.DataFrame, measure: str, mapping: str) -> str:
    """The cell of a table of claims: the change of every headline target, and the verdict.

    Without recordings it is that of all other measures.
    """
    parts = []
    of_strengths = [_predictivity(table, measure, mapping, one) for one in strengths(table)]
    told = [*itertools.chain(*of_strengths)]
    for what, where in told or _told(table, measure, mapping):
        row = contrast(table, HUMAN, NONE, **where)
        if row is None:
            continue
        name = where["target"] if told else what
        others = ", ".join(
            f"{interval(one)} against {LABELS[name]}"
            for name, one in controls(table, **where).items()
        )
        parts.append(
            f"{name}{at_strength(row)}: {verdict(table, **where)}; {interval(row)} against "
            + LABELS[NONE] + (f", {others}" if others else "")
        )  # fmt: skip
    return "; ".join(parts) or "not compared"


def findings(table: pd.DataFrame, measure: str, mapping: str) -> str:
    """The sentences and the cell for a table of claims, as Markdown."""
    said = "\n".join(f"- {one}" for one in sentences(table, measure, mapping))
    return f"{said}\n\nIn a cell: {readme_line(table, measure, mapping)}\n"
