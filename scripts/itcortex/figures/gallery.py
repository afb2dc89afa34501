"""Photographs with what people attended to and what networks' answers hang on.

Maps are drawn as ranks over pixels, from the least to the most attended one, because ranks are all
that the score sees; a network's saliency is smoothed first, as in the rows `blurred` of the table.
"""

from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from itcortex.attention.agreement import smooth
from itcortex.data.images import decode_rgb
from itcortex.data.photographs import Photographs
from itcortex.errors import UserError
from itcortex.figures import image_grid, style
from itcortex.figures.image_grid import Columns
from itcortex.figures.names import shorten_file
from itcortex.numerics.ranks import correlate_ranks, unit_ranks
from itcortex.numerics.sampling import spread
from itcortex.tables.numbers import number

WIDTH, GAP, LEFT, HEAD, FOOT = 1.36, 0.06, 0.5, 0.8, 0.78  # inches
OPACITY = 0.72
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
    notes : what stands under the names of photographs that have a note.
    """

    image_ids: tuple[str, ...]
    pixels: tuple[np.ndarray, ...]
    human: dict[str, np.ndarray]
    saliency: dict[str, np.ndarray]
    rho: dict[str, np.ndarray]
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> Columns:
        """The photograph, what people did, what networks did."""
        return Columns.fitting(
            LEFT, WIDTH, GAP, (1, len(self.human), len(self.saliency)), 1.5 * GAP
        )

    @property
    def size(self) -> tuple[float, float]:
        """Width and height (inches) that it needs."""
        heights = sum(self.columns.height(pixels) + GAP for pixels in self.pixels)
        return self.columns.right + GAP, HEAD + heights + FOOT


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
        raise UserError(
            "attention: the models' examples share no photograph; delete them, and the next run makes "
            "them again"
        )
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
    columns, n_human, y = gallery.columns, len(gallery.human), top + HEAD
    kinds = [KINDS.get(kind, kind) for kind in gallery.human]
    names = columns.wrap(["photograph", *kinds, *gallery.saliency])
    columns.name_columns(figure, top + HEAD - 0.06, names)
    columns.bracket(figure, 1, top + 0.2, "people")
    columns.bracket(figure, 2, top + 0.2, "networks' saliency")
    for row, pixels in enumerate(gallery.pixels):
        height = columns.height(pixels)
        image_id = gallery.image_ids[row]
        note = f"\n{gallery.notes[image_id]}" if image_id in gallery.notes else ""
        columns.name_row(figure, y, height, shorten_file(image_id) + note)
        cells = [columns.add_image(figure, k, y, height) for k in range(len(columns.starts))]
        image_grid.draw_photograph(cells[0], pixels)
        maps = [*gallery.human.values(), *gallery.saliency.values()]
        for axes, values in zip(cells[1:], maps, strict=True):
            _draw_map(axes, pixels, values[row])
        for axes, rho in zip(cells[1 + n_human :], gallery.rho.values(), strict=True):
            text = number(rho[row]) if np.isfinite(rho[row]) else "undefined"
            image_grid.write_corner(axes, f"ρ {text}")
        y += height + GAP
    ticks = {0: "lowest", 1: "highest rank"}
    image_grid.draw_scale(figure, columns.starts[1], y + 0.08, (0, 1), ticks)
    first = next(iter(gallery.human))
    note = f"ρ: of the smoothed saliency with {KINDS.get(first, first)}"
    style.write_at(figure, columns.starts[1], y + 0.5, note, va="top", color=style.GREY)


def _draw_map(axes: Axes, pixels: np.ndarray, values: np.ndarray) -> None:
    """Ranks of a map over the grey photograph; where it has none, the panel says so."""
    ranks = image_grid.rank_map(values)
    if ranks is None:
        image_grid.draw_photograph(axes, pixels, grey=True)
        style.message(axes, "undefined")
        return
    image_grid.draw_map(axes, pixels, ranks, (0, 1), alpha=OPACITY, interpolation="bilinear")
