"""Names beside points cover neither each other nor points."""

import numpy as np
from matplotlib.text import Text

from itcortex.figures import labels, style


def test_labels_find_room_for_a_crowd():
    """Twelve names for points on a small ring: greedy placing must still separate them."""
    figure = style.new_figure(5, 4)
    axes = figure.add_axes((0.1, 0.1, 0.8, 0.8), xlim=(0, 1), ylim=(0, 1))
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = [(0.5 + 0.05 * np.cos(a), 0.5 + 0.05 * np.sin(a)) for a in angles]
    crowd = [labels.Label(axes, x, y, f"a_model_{k}", "k") for k, (x, y) in enumerate(ring)]
    labels.place(figure, crowd, [], axes.get_window_extent())
    renderer = figure.canvas.get_renderer()
    boxes = [Text.get_window_extent(t, renderer) for t in axes.texts]
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
    inside = axes.get_window_extent()
    assert all(inside.x0 <= b.x0 and b.x1 <= inside.x1 for b in boxes)
