"""Photographs with where people looked, and where one network looks under every condition."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from itcortex.figures import gallery as galleries
from itcortex.figures import style
from itcortex.figures.gallery import Gallery
from itcortex.tables.condition_contrasts import HUMAN, LABELS, NONE
from itcortex.tables.numbers import number

_ABOVE = 0.32  # inches, for the network's name


def changes(scores: Mapping[str, pd.DataFrame], kind: str) -> pd.DataFrame:
    """What training changed of rho with human maps: (photograph, condition), minus strength 0.

    Parameters
    ----------
    scores : what score_attention wrote, by the network's name in the gallery; that of strength 0 and
        all that were trained with maps are compared, by the smoothed saliency that is drawn.
    kind : of human map.
    """
    rho = {}
    for name, table in scores.items():
        rows = table[(table["control"] == "none") & (table["saliency"] == "blurred")]
        rows = rows[rows["map_kind"] == kind]
        rho[name] = pd.Series(rows["rho"].to_numpy(float), rows["image"].astype(str))
    trained = [name for name in rho if name in (*LABELS.values(),) and name != LABELS[NONE]]
    return pd.DataFrame({name: rho[name] - rho[LABELS[NONE]] for name in trained})


def in_order(gallery: Gallery, changed: pd.DataFrame) -> Gallery:
    """Photographs from the one whose rho human maps raise most, with their places among all."""
    if LABELS[HUMAN] not in changed:
        return gallery
    of_all = changed[LABELS[HUMAN]].dropna()
    places = of_all.rank(ascending=False, method="first").astype(int)
    index = [places.get(image, len(of_all) + 1) for image in gallery.image_ids]
    order = np.argsort(index, kind="stable")
    notes = {
        image: f"{_signed(of_all[image])}\n{places[image]} of {len(of_all)}"
        for image in gallery.image_ids
        if image in places
    }
    parts = {
        name: {label: values[order] for label, values in getattr(gallery, name).items()}
        for name in ("human", "saliency", "rho")
    }
    return replace(
        gallery, image_ids=tuple(gallery.image_ids[k] for k in order),
        pixels=tuple(gallery.pixels[k] for k in order), notes=notes, **parts,
    )  # fmt: skip


@style.styled
def draw(gallery: Gallery, network: str) -> Figure:
    """A gallery under the name of the network whose saliency it shows."""
    width, height = gallery.size
    figure = style.new_figure(width, height + _ABOVE)
    style.write_at(figure, galleries.LEFT, 0.12, network, va="top", fontsize=10, fontweight="bold")
    galleries.draw(figure, gallery, _ABOVE)
    return figure


def _signed(value: float) -> str:
    return ("+" if round(value, 2) > 0 else "") + number(value)
