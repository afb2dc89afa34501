"""A recording as a laboratory has it: pictures in a folder, and responses in any form of file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image


@dataclass(frozen=True)
class Laboratory:
    """Pictures, and the responses of sites to them: trials (image, site, repeat)."""

    folder: Path
    names: tuple[str, ...]
    sites: tuple[str, ...]
    trials: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean over repeats (image, site)."""
        return self.trials.mean(2)

    def wide(self) -> pd.DataFrame:
        """A table of images by sites."""
        return pd.DataFrame(self.mean, columns=self.sites).assign(image=self.names)

    def long(self) -> pd.DataFrame:
        """A table with a row for each trial."""
        image, site, repeat = (k.ravel() for k in np.indices(self.trials.shape))
        return pd.DataFrame(
            {
                "image": np.array(self.names)[image],
                "site": np.array(self.sites)[site],
                "repeat": repeat,
                "response": self.trials.ravel(),
            }
        )


def laboratory(folder: Path, n_images=8, n_sites=3, n_repeats=4, side=24, seed=1) -> Laboratory:
    """Pictures of random noise in `folder`, whose mean luminance every site follows, with noise."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    pictures = rng.integers(0, 256, (n_images, side, side, 3), dtype=np.uint8)
    pictures = (pictures * np.linspace(0.2, 1, n_images)[:, None, None, None]).astype(np.uint8)
    names = tuple(f"im{number:02d}.png" for number in range(n_images))
    for name, picture in zip(names, pictures, strict=True):
        Image.fromarray(picture).save(folder / name)
    signal = pictures.mean((1, 2, 3)) / 20
    trials = signal[:, None, None] * np.arange(1, n_sites + 1)[None, :, None]
    trials = trials + rng.normal(size=(n_images, n_sites, n_repeats))
    return Laboratory(folder, names, tuple(f"unit_{k}" for k in range(n_sites)), trials)
