"""Photographs with maps of human attention."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from itcortex.errors import UserError

MAP_SIDE = 224  # pixels a side at which maps are compared
CLASSES = 1000  # of ImageNet, which labels photographs


@dataclass(frozen=True)
class Photographs:
    """Photographs and where people attended to them, in one order.

    Attributes
    ----------
    image_ids : names.
    jpegs : the photographs as they were published, bytes.
    maps : {kind: float32 (image, 224, 224)}, for instance eye, mouse or clicks.
    labels : ImageNet class (0 to 999) of every photograph, or None where they have none.
    reference_resize : True where photographs are brought to a network's input as ClickMe's authors
        do it; False: as the model's own preprocessing does it.
    """

    image_ids: tuple[str, ...]
    jpegs: tuple[bytes, ...]
    maps: dict[str, np.ndarray]
    labels: np.ndarray | None = None
    reference_resize: bool = False

    def __post_init__(self):
        """Refuse maps of another number or size."""
        shape = (len(self.image_ids), MAP_SIDE, MAP_SIDE)
        for kind, maps in self.maps.items():
            if maps.shape != shape or len(self.jpegs) != shape[0]:
                raise UserError(
                    f"attention: {len(self.jpegs)} photographs named by {shape[0]} ids need maps "
                    f"{shape}; {kind!r} is {maps.shape}"
                )


def total_maps(parts: Iterable[Photographs]) -> tuple[dict[str, np.ndarray], int]:
    """Sum over all photographs of the maps of every kind, float64 (224, 224), and their number."""
    totals: dict[str, np.ndarray] = {}
    count = 0
    for part in parts:
        count += len(part.image_ids)
        for kind, maps in part.maps.items():
            totals[kind] = totals.get(kind, 0) + maps.sum(0, dtype=np.float64)
    return totals, count


def without(total: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Sum of the other photographs' maps; exactly 0 where only the own map is not."""
    rest = total - own
    return np.where(rest < 1e-9 * total.max(), 0, rest)
