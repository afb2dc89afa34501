"""What was found in a recording before any network was run: in words, and as a section of the page.

A check is what rule check_recording wrote: `recording`, `facts` and `problems`.
"""

from itcortex.report.tables import Table, text

_LEFT_OUT = {
    "sites": "sites that the entry does not select",
    "presentations": "presentations without any response",
    "pictures": "pictures without responses",
    "incomplete_images": "images that lack a response",
    "incomplete_sites": "sites that lack a response",
}


def facts_of(check: dict) -> dict[str, str]:
    """Facts by their names, in words."""
    facts = check["facts"]
    grid, time, repeats = facts["grid"], facts["time"], facts["repeats"]
    reliability = facts["median_reliability"]
    orientation = {name: r for name, r in facts["orientation"].items() if r is not None}
    found = {
        "images": f"{facts['n_images']} ({facts['n_pictures']} different pictures)",
        "sites": f"{facts['n_sites']} ({facts['unit']})",
        "grid": f"{grid[0]} x {grid[1]} positions" if grid else "none",
        "time": f"{time[0]:g} to {time[1]:g} ms in bins of {time[2]:g} ms" if time else "none",
        "repeats": _repeats(repeats),
        "reliability (median over sites)": "not known" if reliability is None else f"{reliability:.2f}",
        "kinds of image": _counts(facts["kinds"]) or "one",
        "split": _counts(facts["split"]) or "none",
        "left out": _counts({_LEFT_OUT[key]: n for key, n in facts["left_out"].items()}) or "nothing",
        "noise ceilings": ", ".join(
            f"{name} {value:.2f}" for name, value in facts["ceilings"].items() if value is not None
        ) or "none",
        "recommended": _recommended(facts),
    }  # fmt: skip
    if orientation:
        best = max(orientation, key=orientation.get)
        found["grid predicted by pixels"] = f"best {best} (r = {orientation[best]:.2f})"
    return found


def _repeats(repeats: dict | None) -> str:
    if repeats is None:
        return "none that are known"
    if repeats["fewest"] == repeats["most"]:
        return str(repeats["most"])
    return f"{repeats['fewest']} to {repeats['most']}, median {repeats['median']:g}"


def _recommended(facts: dict) -> str:
    folds, ceiling = facts["recommended_folds"], facts["recommended_ceiling"]
    return f"folds: {folds or 'too few images'}; ceiling: {ceiling or 'none is possible'}"


def _counts(counts: dict) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def in_words(check: dict) -> str:
    """A recording's facts and problems as plain text."""
    lines = [check["recording"]]
    lines += [f"  {name}: {value}" for name, value in facts_of(check).items()]
    for problem in check["problems"]:
        sign = "STOPS" if problem["stops"] else "note"
        lines.append(f"  {sign}: {problem['what']} -> {problem['remedy']}")
    lines += [] if check["problems"] else ["  no problem was found"]
    return "\n".join(lines) + "\n"


def for_page(check: dict, figure: dict) -> dict:
    """What the page shows of a recording: `figure` is its figure, embedded."""
    rows = [[text(name), text(value)] for name, value in facts_of(check).items()]
    return {
        "recording": check["recording"],
        "figure": figure,
        "table": Table(f"What {check['recording']} holds", ["", "found"], rows),
        "problems": check["problems"],
    }
