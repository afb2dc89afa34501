"""What is drawn in a figure, read from its artists."""

import io

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from itcortex.figures import style

CATEGORY_OF = {look.colour.lower(): name for name, look in style.LOOKS.items()}


def texts(figure: Figure) -> list[str]:
    """Every text that is drawn."""
    return [t.get_text() for t in figure.findobj(Text) if t.get_visible() and t.get_text()]


def titles(figure: Figure) -> list[str]:
    """Titles of the panels, in one line each."""
    shown = [axes.get_title(loc="left").replace("\n", " ") for axes in figure.axes]
    return [title for title in shown if title]


def points(axes) -> list[tuple[str, float, float]]:
    """Category, abscissa and ordinate of every marker of networks in some axes."""
    found = []
    for one in axes:
        for collection in one.collections:
            if collection.get_zorder() != 3 or not len(collection.get_offsets()):
                continue
            colours = collection.get_facecolors()
            names = [CATEGORY_OF.get(to_hex(colour)) for colour in colours]
            offsets = collection.get_offsets().data.tolist()
            names = names * len(offsets) if len(names) == 1 else names
            found += [(name, *at) for name, at in zip(names, offsets, strict=True)]
    return found


def arrows(figure: Figure) -> list[tuple[tuple, tuple]]:
    """Start and end of every arrow in a figure."""
    drawn = [t for axes in figure.axes for t in axes.texts if t.arrow_patch and not t.get_text()]
    return [(t.get_position(), tuple(t.xy)) for t in drawn]


def counts(figure: Figure) -> dict[str, int]:
    """Number of markers per category over all panels."""
    names = [name for name, *_ in points(figure.axes)]
    return {name: names.count(name) for name in sorted(set(names))}


def line_of(axes, colour) -> np.ndarray:
    """Points (n, 2) of the only line of a colour in an axes."""
    (line,) = [one for one in axes.lines if to_hex(one.get_color()) == to_hex(colour)]
    return line.get_xydata()


def written(figure: Figure, folder, name: str) -> list[bytes]:
    """Bytes of a figure's PDF and PNG."""
    paths = [folder / f"{name}.{kind}" for kind in ("pdf", "png", "rst")]
    style.save(figure, *paths, "A title", "A caption.")
    return [path.read_bytes() for path in paths[:2]]


def as_pdf(figure: Figure) -> bytes:
    """Bytes of a figure's PDF, which hold all that is drawn, as `written` has them first."""
    about = {"Title": "A title", "Subject": "A caption.", "CreationDate": None, "ModDate": None}
    with mpl.rc_context(style.THEME), io.BytesIO() as file:
        figure.savefig(file, format="pdf", metadata=about)
        return file.getvalue()


def is_cut_off(png: bytes) -> bool:
    """Whether a picture has ink at its border, as what is cut off leaves; a blank one is an error."""
    ink = np.asarray(Image.open(io.BytesIO(png)).convert("L")) < 255
    assert ink.any()
    return bool(ink[:4].any() or ink[-4:].any() or ink[:, :4].any() or ink[:, -4:].any())


def smallest_text(figure: Figure) -> float:
    """Size of the smallest text (pt)."""
    return min(t.get_fontsize() for t in figure.findobj(Text) if t.get_text().strip())
