"""What a check of the model table found: tidy tables, and a text to read on a terminal."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pandas as pd

_WIDTH = 100  # columns of a terminal
_MOST_SHOWN = 12  # rows of a model table that are described one by one


@dataclass
class CheckedModel:
    """What was found of one row of the model table; what a failure left open is empty or NaN.

    Attributes
    ----------
    model, weights, where, source : of the row.
    faults : why it cannot be used, each with its remedy; none if a run makes sense.
    notes : what is right to know and stops nothing.
    network : facts on the network, by the names of the columns of `models_table`.
    layers : its layers, by the names of the columns of `layers_table`.
    at_hand : what is known of its weights: where they are, or why nothing was loaded.
    loaded : whether its weights were loaded into it; None if they are not here.
    classes : its five likeliest classes by the photograph's name.
    costs : estimates, by the names of the columns of `models_table`.
    """

    model: str
    weights: str
    where: str
    source: str = ""
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    network: dict = field(default_factory=dict)
    layers: list[dict] = field(default_factory=list)
    at_hand: str = ""
    loaded: bool | None = None
    classes: dict[str, list[str]] = field(default_factory=dict)
    costs: dict = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Model and weights."""
        return f"{self.model} {self.weights}".strip() or "(no name)"


def in_order(found: Iterable[CheckedModel]) -> list[CheckedModel]:
    """The rows as their tables have them: by file, then by line."""

    def place(one: CheckedModel) -> tuple[str, int]:
        file, _, line = one.where.rpartition(": line ")
        return file, int(line) if line.isdigit() else 0

    return sorted(found, key=place)


# --- tables ---------------------------------------------------------------------------------------

_NETWORK = {"built_on": "", "params_m": float("nan"), "outputs": float("nan"), "input_size": "",
            "interpolation": "", "mean": "", "std": "", "preprocessing_from": ""}  # fmt: skip
_COSTS = ("memory_mb", "seconds_an_image", "mb_an_image", "images", "disk_mb", "minutes_extraction",
          "minutes_requested")  # fmt: skip
_LAYER = ["layer", "depth", "layout", "height", "width", "channels", "prefix_tokens", "mb_an_image"]


def models_table(found: Sequence[CheckedModel]) -> pd.DataFrame:
    """A row for each row of the model table; docs/own_models.md says what its columns are."""
    rows = [
        {
            "model": one.model,
            "weights": one.weights,
            "where": one.where,
            "source": one.source,
            "usable": not one.faults,
            "faults": " | ".join(one.faults),
            "notes": " | ".join(one.notes),
            **(_NETWORK | one.network),
            "n_layers": len(one.layers),
            "at_hand": one.at_hand,
            "loaded": {True: "yes", False: "no", None: "not here"}[one.loaded],
            "top5": " | ".join(f"{name}: {'; '.join(top)}" for name, top in one.classes.items()),
            **{name: one.costs.get(name, float("nan")) for name in _COSTS},
        }
        for one in found
    ]
    return pd.DataFrame(rows)


def layers_table(found: Sequence[CheckedModel]) -> pd.DataFrame:
    """A row for each layer of each network, in order of depth."""
    rows = [
        {"model": one.model, "weights": one.weights, **layer}
        for one in found
        for layer in one.layers
    ]
    return pd.DataFrame(rows, columns=["model", "weights", *_LAYER])


# --- text -----------------------------------------------------------------------------------------


def text(found: Sequence[CheckedModel]) -> str:
    """The page on the terminal: every row in a line, then what there is to say of each."""
    told = found if len(found) <= _MOST_SHOWN else [one for one in found if one.faults or one.notes]
    whole = len(found) <= _MOST_SHOWN
    parts = [_overview(found), *(_described(one, whole) for one in told), verdict(found)]
    return "\n\n".join(parts) + "\n"


def verdict(found: Sequence[CheckedModel]) -> str:
    """How many rows a run can use, and which it cannot."""
    bad = [one.name for one in found if one.faults]
    good = len(found) - len(bad)
    if not bad:
        return (
            f"All {good} rows of the model table can be used."
            if good > 1
            else "The row can be used."
        )
    names = textwrap.fill(", ".join(bad), _WIDTH, initial_indent="  ", subsequent_indent="  ")
    return (
        f"{good} of {len(found)} rows can be used. These cannot, and a run stops at them:\n{names}"
    )


def _overview(found: Sequence[CheckedModel]) -> str:
    head = ("", "model", "weights", "params", "input", "layers", "loads", "memory", "disk")
    rows = [head, *(_line(one) for one in found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = {head.index(name) for name in ("params", "memory", "disk")}
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _line(one: CheckedModel) -> tuple[str, ...]:
    shapes = [f"{la['height']}x{la['width']}x{la['channels']}" for la in one.layers]
    ends = " to ".join(dict.fromkeys(shapes[:1] + shapes[-1:]))
    return (
        "FAILS" if one.faults else "ok",
        one.model,
        one.weights,
        f"{one.network['params_m']:.3g} M" if one.network else "",
        one.network.get("input_size", ""),
        f"{len(shapes)}: {ends}" if shapes else "",
        {True: "yes", False: "no", None: "-"}[one.loaded],
        _bytes(one.costs.get("memory_mb")),
        _bytes(one.costs.get("disk_mb", one.costs.get("mb_an_image")))
        + ("" if "disk_mb" in one.costs or not one.costs else "/image"),
    )


def _bytes(mb: float | None) -> str:
    if mb is None:
        return ""
    return f"{mb / 1000:.1f} GB" if mb >= 1000 else f"{mb:.3g} MB"


def _described(one: CheckedModel, whole: bool) -> str:
    """What was found of one row, a paragraph each; without `whole`, only what is wrong and notes."""
    lines = [f"{one.name}  ({one.where})"]
    if whole:
        lines += _facts(one)
    lines += [_item("FAILS", fault) for fault in one.faults]
    lines += [_item("note", note) for note in one.notes]
    return "\n".join(lines)


def _facts(one: CheckedModel) -> list[str]:
    lines = []
    if one.network:
        outputs = one.network["outputs"]
        ends = f"puts out {outputs:.0f} values" if outputs > 0 else "no vector comes out"
        built = f"built on the {one.network['built_on']} device"
        lines.append(
            _item("network", f"{one.network['params_m']:.3g} million parameters; {ends}; {built}")
        )
        keys = ("input_size", "interpolation", "mean", "std")
        images = ", ".join(f"{key} {one.network[key]}" for key in keys)
        lines.append(_item("images", f"{images} ({one.network['preprocessing_from']})"))
    if one.layers:
        layers = (
            f"{la['layer']} {la['height']}x{la['width']}x{la['channels']}" for la in one.layers
        )
        lines.append(_item("layers", ", ".join(layers)))
    if one.at_hand:
        lines.append(_item("weights", f"{one.source}: {one.at_hand}"))
    lines += [_item("sees", f"in {name}: {', '.join(top)}") for name, top in one.classes.items()]
    if one.costs:
        lines.append(_item("costs", _costs(one.costs)))
    return lines


def _costs(costs: dict) -> str:
    each = f"{costs['seconds_an_image']:.2g} s and {_bytes(costs['mb_an_image'])} an image"
    memory = f"memory {_bytes(costs['memory_mb'])}"
    if "images" not in costs:
        return (
            f"{memory}; {each} at most; how many images there are is known once they are prepared"
        )
    return (
        f"{memory}; {each} at most; {costs['images']:.0f} images: {costs['minutes_extraction']:.2g} min "
        f"and {_bytes(costs['disk_mb'])}; its jobs ask for {costs['minutes_requested']:.0f} min"
    )


def _item(name: str, about: str) -> str:
    start = f"  {name:<8} "
    return textwrap.fill(
        about, _WIDTH, initial_indent=start, subsequent_indent=" " * 11, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
