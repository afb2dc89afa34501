"""What is said of the trainings whose networks are compared: which collapsed, which stand at the floor.

A network that collapsed has lost what it could do before training. What it differs by is then due to
that, whatever the maps were: no verdict stands without it.
"""

from collections.abc import Sequence

import pandas as pd

from itcortex.tables.condition_contrasts import CONTROLS, LABELS, NONE
from itcortex.tables.condition_marks import OTHER_SEEDS
from itcortex.tables.numbers import number


def collapsed_of(rows: Sequence[pd.Series]) -> str:
    """How many trainings collapsed, condition by condition; empty where none did.

    Parameters
    ----------
    rows : of the table of conditions, at one strength; a condition in several of them is counted once.
    """
    counts = _collapsed(rows)
    told = [
        f"{some:g} of {of:g} {_trainings(name)} collapsed"
        for name in LABELS
        if (some := counts.get(name, (0, 0))[0]) and (of := counts[name][1])
    ]
    return ", ".join(told)


def _collapsed(rows: Sequence[pd.Series]) -> dict[str, tuple[float, float]]:
    """Collapsed trainings and all of them by condition: the most that a row has."""
    counts: dict[str, tuple[float, float]] = {}
    for row in rows:
        sides = {"condition": "n_collapsed", "compared_with": "n_collapsed_other"}
        for side, column in sides.items():
            if row.get(column, 0) > 0:
                one = (float(row[column]), max(float(row["n_seeds"]), float(row[column])))
                counts[row[side]] = max(counts.get(row[side], one), one)
    return counts


def collapsed_sentence(told: str, at: str) -> str:
    """What `collapsed_of` counted, and what it means; `at` says at which strength, or nothing."""
    return (
        f"Collapsed trainings{at}: {told}: fewer held-out photographs kept their first class than a "
        "kept epoch needs. Differences with these networks say that training ruined them, and nothing "
        "about the maps alone."
    )


def other_seeds(table: pd.DataFrame) -> list[str]:
    """Which seeds of human maps a control was not trained with, a sentence where there are any."""
    main = (table["model"] == "") & table["main_strength"].astype(bool)
    notes = table["note"][main & table["compared_with"].isin(CONTROLS)].str.split("; ").explode()
    told = dict.fromkeys(one for one in notes if OTHER_SEEDS in one)
    return [f"Not compared, as seeds differ: {'; '.join(told)}."] if told else []


def at_floor(rows: Sequence[pd.Series], at: str) -> str:
    """How many trainings stand at the least agreement of a kept epoch; empty where none does.

    Parameters
    ----------
    rows : agreement of every condition against strength 0, at one strength, which `at` says or nothing.
    """
    if not any(row["n_at_floor"] for row in rows):
        return ""
    counts = ", ".join(
        f"{row['n_at_floor']:g} of {row['n_seeds']:g} {_trainings(row['condition'])} (mean agreement "
        f"{number(100 * row['value'], 0)} %{_below(row)})"
        for row in rows
    )
    return (
        f"At the least agreement that a kept epoch needs, or at most one photograph above it{at}: "
        f"{counts}. So conditions differ in how far the answers moved, and not in their maps alone."
    )


def _below(row: pd.Series) -> str:
    """How many more collapsed, which are below the floor."""
    some = row.get("n_collapsed", 0)
    return f"; {some:g} more collapsed below it" if some else ""


def _trainings(condition: str) -> str:
    return f"trainings {'at' if condition == NONE else 'with'} {LABELS[condition]}"
