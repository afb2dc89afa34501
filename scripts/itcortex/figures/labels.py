"""Names beside points, placed so that they cover neither points nor each other."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

RADII = (6, 9, 13, 18, 25, 33, 42, 54, 68, 84)  # pt from the point to the label's nearest edge
ANGLES = np.linspace(0, 2 * np.pi, 16, endpoint=False)
SWEEPS = 4  # every label is placed again with all others in place
STRANGER = 30  # cost (as if pt further away) of a name nearer to another point than to its own
LEADER_FROM = 9  # pt: from here on a thin line ties the name to its point


@dataclass(frozen=True)
class Label:
    """A name for the point (x, y) of `axes`, in data coordinates."""

    axes: Axes
    x: float
    y: float
    text: str
    colour: str


def _overlap(box: np.ndarray, others: np.ndarray) -> float:
    """Area (px²) that `box` (x0, y0, x1, y1) shares with the boxes `others` (n, 4)."""
    if not len(others):
        return 0.0
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    return float(np.prod(np.clip(sides, 0, None), axis=1).sum())


def _distances(box: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Distance (px) of every point (n, 2) from `box`; zero inside."""
    outside = np.maximum(box[:2] - points, points - box[2:])
    return np.hypot(*np.clip(outside, 0, None).T)


def _candidates(size: np.ndarray, pixel: float) -> list[tuple[float, float, float, float]]:
    """Where a label of `size` may go: offset of its lower left corner (px) and its anchor (pt)."""
    places = []
    for radius in RADII:
        for angle in ANGLES:
            direction = np.array([np.cos(angle), np.sin(angle)])
            anchor = direction * radius
            # the label hangs on its edge nearest to the point: half its size further out
            corner = anchor * pixel + (direction - 1) * size / 2
            places.append((*corner, *anchor))
    return places


def place(
    figure: Figure, labels: list[Label], obstacles: list[Bbox], within: Bbox, size: float = 8
) -> None:
    """Write every label at the free place nearest to its point; far ones get a thin leader line.

    Greedy with repeated sweeps and no random numbers: the same figure each time.

    Parameters
    ----------
    obstacles : boxes in display coordinates (px) that names should not cover.
    within : box (px) that names must not leave.
    size : font size (pt).
    """
    pixel = figure.dpi / 72
    renderer = figure.canvas.get_renderer()
    points = [np.array(one.axes.transData.transform((one.x, one.y))) for one in labels]
    texts = [
        one.axes.annotate(
            one.text, (one.x, one.y), xytext=(0, 0), textcoords="offset points", fontsize=size,
            color=one.colour, annotation_clip=False, ha="left", va="bottom", zorder=6,
            arrowprops={"arrowstyle": "-", "color": one.colour, "lw": 0.6, "alpha": 0.7,
                        "shrinkA": 0, "shrinkB": 3, "relpos": (0.5, 0.5)},
        )
        for one in labels
    ]  # fmt: skip
    sizes = [np.array(text.get_window_extent(renderer).size) + 2 for text in texts]
    marks = np.array([box.extents for box in obstacles]).reshape(-1, 4)
    places = _places(np.array(points), sizes, marks, within, pixel)
    for text, (left, bottom, *anchor) in zip(texts, places, strict=True):
        text.set_position(((left + 1) / pixel, (bottom + 1) / pixel))
        if np.hypot(*anchor) < LEADER_FROM:
            text.arrow_patch.set_visible(False)


def _places(
    points: np.ndarray, sizes: list[np.ndarray], marks: np.ndarray, within: Bbox, pixel: float
) -> list[tuple]:
    """The cheapest candidate of every label, all others being where they were put last."""
    boxes = np.hstack([points, points]) if len(points) else np.empty((0, 4))
    chosen: list[tuple] = [()] * len(points)
    for _ in range(SWEEPS):
        for k, (point, extent) in enumerate(zip(points, sizes, strict=True)):
            others = np.delete(boxes, k, axis=0)
            best = np.inf
            for candidate in _candidates(extent, pixel):
                box = np.r_[point + candidate[:2], point + candidate[:2] + extent]
                cost = _cost(box, others, marks, within) + np.hypot(*candidate[2:])
                cost += STRANGER * bool(_distances(box, points).argmin() != k)
                if cost < best:
                    best, boxes[k], chosen[k] = cost, box, candidate
    return chosen


def _cost(box: np.ndarray, others: np.ndarray, marks: np.ndarray, within: Bbox) -> float:
    """How bad a place is: leaving the panel is worst, then covering names, then points."""
    outside = np.prod(box[2:] - box[:2]) - _overlap(box, np.array([within.extents]))
    return 50 * outside + 20 * _overlap(box, others) + 8 * _overlap(box, marks)
