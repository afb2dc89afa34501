"""Names beside points, placed so that they cover neither points nor each other."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

#: pt from the point to the label's nearest edge
RADII = (6, 9, 13, 18, 25, 33, 42, 54, 68, 84, 100, 120, 140)
ANGLES = np.linspace(0, 2 * np.pi, 16, endpoint=False)
SWEEPS = 4  # every label is placed again with all others in place
STRANGER = 30  # cost (as if pt further away) of a name nearer to another point than to its own
LINE = 6  # cost of a pixel of a line through another name
LEADER_FROM = 9  # pt: from here on a thin line ties the name to its point


@dataclass(frozen=True)
class Label:
    """A name for the point (x, y) of `axes`, in data coordinates."""

    axes: Axes
    x: float
    y: float
    text: str
    colour: str


def _overlap(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Area (px²) that each of `boxes` (place, x0 y0 x1 y1) shares with the boxes `others` (n, 4)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return np.prod(np.clip(high - low, 0, None), axis=2).sum(1)


def _crossed(starts: np.ndarray, ends: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Length (px) of each line (line, 2) to (line, 2) inside each of the boxes: (line, box)."""
    way = (ends - starts)[:, None]
    step = np.where(way == 0, 1e-9, way)  # a line along an axis leaves the box at no place
    first = (boxes[None, :, :2] - starts[:, None]) / step
    last = (boxes[None, :, 2:] - starts[:, None]) / step
    enters = np.minimum(first, last).max(2).clip(0, 1)
    leaves = np.maximum(first, last).min(2).clip(0, 1)
    return np.clip(leaves - enters, 0, None) * np.hypot(*(ends - starts).T)[:, None]


def _distances(boxes: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Distance (px) of every point (n, 2) from each box: (box, n); zero inside."""
    outside = np.maximum(boxes[:, None, :2] - points, points - boxes[:, None, 2:])
    return np.linalg.norm(np.clip(outside, 0, None), axis=2)


def _candidates(size: np.ndarray, pixel: float) -> tuple[np.ndarray, np.ndarray]:
    """Where a label of `size` may go: offsets of its lower left corner (px), and anchors (pt)."""
    directions = np.stack([np.cos(ANGLES), np.sin(ANGLES)], 1)
    anchors = (np.array(RADII)[:, None, None] * directions).reshape(-1, 2)
    # the label hangs on its edge nearest to the point: half its size further out
    corners = anchors * pixel + (np.tile(directions, (len(RADII), 1)) - 1) * size / 2
    return corners, anchors


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
    """The cheapest candidate of every label, all others being where they were put last.

    Leaving the panel is worst, then covering names, then points; then come lines through names, a name
    nearer to another point, lines through points, and the distance.
    """
    boxes = np.hstack([points, points]) if len(points) else np.empty((0, 4))
    frame = np.array([within.extents])
    chosen: list[tuple] = [()] * len(points)
    for _ in range(SWEEPS):
        for k, (point, extent) in enumerate(zip(points, sizes, strict=True)):
            corners, anchors = _candidates(extent, pixel)
            tried = np.hstack([point + corners, point + corners + extent])
            others, their_points = np.delete(boxes, k, axis=0), np.delete(points, k, axis=0)
            radii = np.hypot(*anchors.T)
            cost = 50 * (np.prod(extent) - _overlap(tried, frame))
            cost += 20 * _overlap(tried, others) + 8 * _overlap(tried, marks) + radii
            cost += STRANGER * (_distances(tried, points).argmin(1) != k)
            middles = (tried[:, :2] + tried[:, 2:]) / 2
            starts = np.broadcast_to(point, middles.shape)
            has_line = radii >= LEADER_FROM
            cost += LINE * has_line * _crossed(starts, middles, others).sum(1)
            elsewhere = marks[_distances(marks, point[None])[:, 0] > 0] if len(marks) else marks
            cost += has_line * _crossed(starts, middles, elsewhere).sum(1)
            their_middles = (others[:, :2] + others[:, 2:]) / 2
            cost += LINE * _crossed(their_points, their_middles, tried).sum(0)
            best = int(cost.argmin())
            boxes[k], chosen[k] = tried[best], (*corners[best], *anchors[best])
    return chosen
