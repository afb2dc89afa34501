"""A SIMULATED array that reads the object of an image and nothing else, in a published file format.

Every site is tuned to strokes of the digit (orientation by place within the digit, whatever the
digit's place and size) and fires most where the digit lies in its receptive field. The background and
the shortcut have no part in its rate: two images of one object have the same rate, so that a network
predicts the site as far as it represents the object.
"""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from itcortex.files import atomic_path
from itcortex.formats.zips import add_file
from itcortex.simulation.digits import Scenes, png

#: Name of the images in the archive, as the reader of `cowley2023` is told (from 1).
IMAGE_NAME = "image{:04d}.png"
#: Side of the digit's own frame in pixels, cells along an axis of it, angles of strokes.
_SIDE, _CELLS, _ORIENTATIONS = 16, 4, 8
_FIELD = (0.3, 0.5)  # sigma of receptive fields, as a share of the image's side
_MEAN, _GAIN = 10.0, 5.0  # spike count: mean and standard deviation over images


@dataclass(frozen=True)
class ObjectSites:
    """Planted truth.

    Attributes
    ----------
    weights : float64 (feature, site), of the strokes (orientation by cell), standardised.
    centres : float64 (site, 2), row and column of the receptive field, shares of the image's side.
    sigma : float64 (site,), its width, shares of the image's side.
    rate : float64 (image, site), expected spike count, without noise.
    """

    weights: np.ndarray
    centres: np.ndarray
    sigma: np.ndarray
    rate: np.ndarray

    def named(self, name: str) -> dict[str, np.ndarray]:
        """The truth as arrays `{name}/{attribute}`; the rate as (image, y, x, site)."""
        values = vars(self) | {"rate": self.rate[:, None, None]}
        return {f"{name}/{key}": value for key, value in values.items()}


def plant(scenes: Scenes, n_sites: int, rng: np.random.Generator) -> ObjectSites:
    """Sites with Gaussian weights on the strokes of the object, and a Gaussian receptive field.

    rate = max(0, mean + gain z), z being the drive max(0, strokes x weights) x field(place),
    standardised over images.
    """
    features = strokes(scenes)
    features = (features - features.mean(0)) / np.maximum(features.std(0), 1e-9)
    weights = rng.standard_normal((features.shape[1], n_sites)) / np.sqrt(features.shape[1])
    centres = rng.uniform(0.25, 0.75, (n_sites, 2))
    sigma = rng.uniform(*_FIELD, n_sites)
    places = (scenes.boxes[:, :2] + scenes.boxes[:, 2:] / 2) / scenes.settings.side
    distance = ((places[:, None] - centres) ** 2).sum(2)
    drive = np.maximum(0, features @ weights + 0.5) * np.exp(-distance / (2 * sigma**2))
    standard = (drive - drive.mean(0)) / drive.std(0)
    return ObjectSites(weights, centres, sigma, np.maximum(0, _MEAN + _GAIN * standard))


def strokes(scenes: Scenes) -> np.ndarray:
    """Strength of oriented edges in every cell of the object's own frame: float64 (image, feature).

    From the object alone, on plain ground: 8 orientations (a cosine to the fourth around each) in
    4 x 4 cells.
    """
    features = []
    for image, (row, column, side) in zip(scenes.objects[..., 0], scenes.boxes, strict=True):
        pixels = image[row : row + side, column : column + side].astype(np.float32)
        framed = Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
        dy, dx = np.gradient(np.asarray(framed, np.float64))
        size, angle = np.hypot(dy, dx), np.arctan2(dy, dx)
        wanted = np.pi * np.arange(_ORIENTATIONS) / _ORIENTATIONS
        energy = size[..., None] * np.cos(angle[..., None] - wanted) ** 4
        step = _SIDE // _CELLS
        cells = energy.reshape(_CELLS, step, _CELLS, step, _ORIENTATIONS).mean((1, 3))
        features.append(cells.ravel())
    return np.array(features)


def record(sites: ObjectSites, repeats: int, rng: np.random.Generator) -> np.ndarray:
    """Poisson spike counts float32 (neuron, image, repeat), the axes of the published files."""
    rate = sites.rate.T[..., None]
    return rng.poisson(rate, (*rate.shape[:2], repeats)).astype(np.float32)


def write(
    responses: str | Path, archive: str | Path, counts: np.ndarray, images: np.ndarray
) -> None:
    """Write counts (neuron, image, repeat) and their images in the layout of `cowley2023`."""
    with atomic_path(responses) as path:
        np.save(path, counts)
    with atomic_path(archive) as path, zipfile.ZipFile(path, "w") as handle:
        for index, image in enumerate(images, start=1):
            add_file(handle, IMAGE_NAME.format(index), io.BytesIO(png(image)))
