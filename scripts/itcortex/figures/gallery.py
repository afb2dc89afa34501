"""Photographs with what people attended to and what networks' answers hang on.

Maps are drawn as ranks over pixels, from the least to the most attended one, because ranks are all
that the score sees; a network's saliency is smoothed first, as in the rows `blurred` of the table.
"""

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from itcortex.attention.agreement import smooth
from itcortex.data.images import decode_rgb
from itcortex.data.photographs import Photographs
from itcortex.errors import UserError
from itcortex.figures import style
from itcortex.figures.maps import shorten, wrap
from itcortex.numerics.ranks import correlate_ranks, unit_ranks
from itcortex.numerics.sampling import spread

WIDTH, GAP, LEFT, HEAD, FOOT = 1.36, 0.06, 0.5, 0.68, 0.5  # inches
COLOURS, OPACITY = "viridis", 0.72
KINDS = {"eye": "eye fixations", "mouse": "mouse-guided view", "clicks": "clicks"}


@dataclass(frozen=True)
class Gallery:
    """What is drawn: photographs, maps and saliency in the same order.

    Attributes
    ----------
    pixels : uint8 (row, column, rgb) of every photograph.
    human : {kind: (image, 224, 224)}.
    saliency : {model's label: (image, 224, 224)}, smoothed.
    rho : {model's label: (image,)} with the first kind of map.
    """

    image_ids: tuple[str, ...]
    pixels: tuple[np.ndarray, ...]
    human: dict[str, np.ndarray]
    saliency: dict[str, np.ndarray]
    rho: dict[str, np.ndarray]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height (inches) that it needs."""
        columns = 1 + len(self.human) + len(self.saliency)
        heights = sum(_height(pixels) + GAP for pixels in self.pixels)
        return LEFT + columns * (WIDTH + GAP) + 3 * GAP, HEAD + heights + FOOT


def join(
    photographs: Photographs,
    examples: dict[str, tuple[list[str], np.ndarray]],
    n_images: int,
    blur: float,
) -> Gallery:
    """At most `n_images` of the photographs that every model has an example of.

    They are spread from the best to the worst agreeing one (mean rho over models, with the first
    kind of map), so that nobody chose them. `examples` maps a model's label to image ids and
    saliency (image, 224, 224). Raises `UserError` without a photograph that all have.
    """
    shared = set(photographs.image_ids).intersection(*(ids for ids, _ in examples.values()))
    if not shared or not examples:
        raise UserError("attention: the models' examples share no photograph; score them anew")
    known = [image for image in photographs.image_ids if image in shared]
    index = [photographs.image_ids.index(image) for image in known]
    human = {kind: maps[index] for kind, maps in photographs.maps.items()}
    saliency = {
        label: np.stack([smooth(maps[ids.index(image)], blur) for image in known])
        for label, (ids, maps) in examples.items()
    }
    first = [unit_ranks(one) for one in next(iter(human.values()))]
    rho = {
        label: np.array(
            [correlate_ranks(unit_ranks(a), b) for a, b in zip(maps, first, strict=True)]
        )
        for label, maps in saliency.items()
    }
    order = np.argsort(-np.nan_to_num(np.mean(list(rho.values()), axis=0), nan=-1), kind="stable")
    chosen = order[spread(len(order), n_images)]
    return Gallery(
        tuple(known[k] for k in chosen),
        tuple(
            np.asarray(decode_rgb(photographs.jpegs[index[k]], known[k], "photograph"))
            for k in chosen
        ),
        *(
            {name: values[chosen] for name, values in part.items()}
            for part in (human, saliency, rho)
        ),
    )


def draw(figure: Figure, gallery: Gallery, top: float) -> None:
    """Draw a gallery into `figure`, from `top` inches below its upper edge."""
    n_human, y = len(gallery.human), top + HEAD
    starts = [
        LEFT + k * (WIDTH + GAP) + 1.5 * GAP * ((k > 0) + (k > n_human))
        for k in range(1 + n_human + len(gallery.saliency))
    ]
    _heads(figure, top, starts, gallery)
    for row, pixels in enumerate(gallery.pixels):
        height = _height(pixels)
        _write(figure, LEFT - 0.08, y + height / 2, shorten(gallery.image_ids[row]), rotation=90,
               ha="right", va="center", fontsize=8)  # fmt: skip
        _photograph(_axes(figure, starts[0], y, height), pixels)
        maps = [*gallery.human.values(), *gallery.saliency.values()]
        for start, values in zip(starts[1:], maps, strict=True):
            _map(_axes(figure, start, y, height), pixels, values[row])
        for start, rho in zip(starts[1 + n_human :], gallery.rho.values(), strict=True):
            _corner(figure, start, y, rho[row])
        y += height + GAP
    _colour_bar(figure, starts[1], y)
    first = next(iter(gallery.human))
    note = f"ρ: of the smoothed saliency with {KINDS.get(first, first)}"
    _write(figure, starts[1 + n_human], y + 0.08, note, va="top", fontsize=8, color=style.GREY)


def _height(pixels: np.ndarray) -> float:
    """Height (inches) of a photograph drawn `WIDTH` inches wide."""
    return WIDTH * pixels.shape[0] / pixels.shape[1]


def _axes(figure: Figure, left: float, top: float, height: float) -> Axes:
    w, h = figure.get_size_inches()
    axes = figure.add_axes((left / w, 1 - (top + height) / h, WIDTH / w, height / h))
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    return axes


def _write(figure: Figure, left: float, top: float, text: str, **options) -> None:
    w, h = figure.get_size_inches()
    figure.text(left / w, 1 - top / h, text, **options)


def _photograph(axes: Axes, pixels: np.ndarray, grey: bool = False) -> None:
    shown = pixels if not grey else 85 + 0.5 * (pixels @ np.array([0.299, 0.587, 0.114]))
    axes.imshow(shown, extent=(0, 1, 1, 0), cmap="gray", vmin=0, vmax=255, aspect="auto")


def _map(axes: Axes, pixels: np.ndarray, values: np.ndarray) -> None:
    """Ranks of a map over the greyscale photograph; nothing where it has none."""
    _photograph(axes, pixels, grey=True)
    ranks = unit_ranks(values)
    if ranks is None:
        style.message(axes, "undefined")
        return
    shares = (ranks - ranks.min()) / np.ptp(ranks)
    axes.imshow(
        shares.reshape(values.shape), extent=(0, 1, 1, 0), cmap=COLOURS, vmin=0, vmax=1,
        alpha=OPACITY, aspect="auto", interpolation="bilinear",
    )  # fmt: skip


def _corner(figure: Figure, left: float, top: float, rho: float) -> None:
    """Rho in the upper left corner of a map, readable on any ground."""
    text = f"ρ {rho:.2f}".replace("-", "\N{MINUS SIGN}").replace("nan", "undefined")
    _write(figure, left + 0.05, top + 0.05, text, ha="left", va="top", fontsize=8, color="white",
           fontweight="bold", path_effects=[withStroke(linewidth=1.8, foreground="black")])  # fmt: skip


def _heads(figure: Figure, top: float, starts: list[float], gallery: Gallery) -> None:
    """Names of the columns, under brackets that say what people and what networks did."""
    w, h = figure.get_size_inches()
    kinds = [wrap(KINDS.get(kind, kind)) for kind in gallery.human]
    texts = ["photograph", *kinds, *map(wrap, gallery.saliency)]
    for start, text in zip(starts, texts, strict=True):
        _write(figure, start + WIDTH / 2, top + HEAD - 0.06, text, ha="center", va="bottom",
               fontsize=8, linespacing=1.1)  # fmt: skip
    last = len(gallery.human)
    groups = (("people", 1, last), ("networks' saliency", last + 1, len(starts) - 1))
    for text, first, end in groups:
        left, right = starts[first] + 0.03, starts[end] + WIDTH - 0.03
        y = 1 - (top + 0.2) / h
        line = mpl.lines.Line2D([left / w, right / w], [y, y], color=style.GREY, linewidth=0.8)
        figure.add_artist(line)
        _write(figure, (left + right) / 2, top + 0.17, text, ha="center", va="bottom", fontsize=8)


def _colour_bar(figure: Figure, left: float, top: float) -> None:
    """The colour scale that all maps share."""
    w, h = figure.get_size_inches()
    axes = figure.add_axes((left / w, 1 - (top + 0.17) / h, 2.0 / w, 0.09 / h))
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, 1), COLOURS), cax=axes, orientation="horizontal", ticks=[0, 1]
    )
    bar.set_ticks([0, 1], labels=["lowest", "highest rank"])
    bar.outline.set_visible(False)
    axes.tick_params(length=0)
