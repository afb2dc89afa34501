"""Recordings: responses of sites to images, over positions of a grid and over time."""

from dataclasses import dataclass, field

import numpy as np

from itcortex.errors import UserError

AXES = ("image", "y", "x", "ms", "site")


@dataclass(frozen=True)
class Recording:
    """Responses of one array, in image orientation (row 0 is the top of the image).

    Attributes
    ----------
    responses : float32 array (image, y, x, ms, site)
        Repeat-averaged responses. A recording without a grid or a time axis has length-1 axes.
    image_ids, site_ids : tuples of str
        Names along the first and the last axis; images are joined with stimuli by these names.
    attributes : dict
        monkey, area, unit ("spikes/s" or "spike count" or "a.u."), ms_start and ms_bin (start of
        the first bin relative to stimulus onset and width of a bin, ms), source, protocol,
        simulated (bool).
    trials : float32 array (image, y, x, ms, site, repeat) or None
        Single trials where they exist; NaN marks a repeat that was not recorded.
    """

    responses: np.ndarray
    image_ids: tuple[str, ...]
    site_ids: tuple[str, ...]
    attributes: dict = field(default_factory=dict)
    trials: np.ndarray | None = None

    def __post_init__(self):
        """Refuse arrays whose axes do not fit their names, and values that are not numbers."""
        shape = self.responses.shape
        if len(shape) != len(AXES):
            raise UserError(f"responses have axes {shape}; expected {AXES}")
        if shape[0] != len(self.image_ids) or shape[-1] != len(self.site_ids):
            raise UserError(
                f"responses {shape} do not fit {len(self.image_ids)} image ids "
                f"and {len(self.site_ids)} site ids"
            )
        for kind, names in (("image", self.image_ids), ("site", self.site_ids)):
            twice = sorted({name for name in names if list(names).count(name) > 1})
            if twice:
                raise UserError(f"{kind} ids must be unique; given more than once: {twice[:5]}")
        if self.trials is not None and self.trials.shape[:-1] != shape:
            raise UserError(f"trials {self.trials.shape} do not fit responses {shape}")

    @property
    def has_grid(self) -> bool:
        """True where responses were recorded at more than one position of the image."""
        return self.responses.shape[1] * self.responses.shape[2] > 1

    @property
    def has_time(self) -> bool:
        """True where responses have more than one time bin."""
        return self.responses.shape[3] > 1
