"""Photographs with where people looked, and where one network looks under every condition."""

from matplotlib.figure import Figure

from itcortex.figures import gallery as galleries
from itcortex.figures import style
from itcortex.figures.gallery import Gallery

_ABOVE = 0.32  # inches, for the network's name


@style.styled
def draw(gallery: Gallery, network: str) -> Figure:
    """A gallery under the name of the network whose saliency it shows."""
    width, height = gallery.size
    figure = style.new_figure(width, height + _ABOVE)
    style.write_at(figure, galleries.LEFT, 0.12, network, va="top", fontsize=10, fontweight="bold")
    galleries.draw(figure, gallery, _ABOVE)
    return figure
