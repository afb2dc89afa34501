"""Photographs of noise with smooth maps, and scores of attention to them."""

import io

import numpy as np
import pandas as pd
from PIL import Image

from itcortex.data.photographs import MAP_SIDE, Photographs

SIDE = MAP_SIDE


def smooth_maps(rng, count) -> np.ndarray:
    """Maps that vary slowly, so that blurring changes them little."""
    small = rng.random((count, 5, 5), dtype=np.float32)
    return np.stack(
        [
            np.asarray(Image.fromarray(one).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
            for one in small
        ]
    )


def photographs(rng, count=4, kinds=("eye",), labels=None, reference=False) -> Photographs:
    """Photographs of noise with smooth maps."""
    jpegs = []
    for _ in range(count):
        content = io.BytesIO()
        pixels = rng.integers(0, 256, (256, 256, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(content, format="JPEG")
        jpegs.append(content.getvalue())
    maps = {kind: smooth_maps(rng, count) for kind in kinds}
    names = tuple(f"{1001 + k}.jpg" for k in range(count))
    return Photographs(names, tuple(jpegs), maps, labels, reference)


def of(table, control="none", saliency="raw", column="rho"):
    """A column of one control, in the order of photographs."""
    return table[(table["control"] == control) & (table["saliency"] == saliency)][column].to_numpy()


CEILINGS = pd.DataFrame(
    {
        "attention": "osie", "map_kind": "eye", "image": ["0.jpg", "1.jpg"] * 2,
        "ceiling_name": ["half_half"] * 2 + ["half_half_partial"] * 2, "value": [0.7, 0.9, 0.4, 0.6],
    }
)  # fmt: skip
