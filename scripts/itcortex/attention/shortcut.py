"""What a network reads of images that hold an object and a shortcut: accuracy, and where it looks.

Every test image exists twice, and only the shortcut differs: in the `intact` one it is as in training,
in the `broken` one its class is drawn anew, whatever the object. A network that reads the object gives
both the same answer; one that reads the shortcut falls to chance on broken images and answers the
shortcut's class. Where a network looks is measured with gradients, which training can turn to the object
while the network reads the same as before, and by covering parts of the image, which training cannot so
easily deceive.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from itcortex.attention.occlusion import GREY, occlusion
from itcortex.attention.saliency import saliency
from itcortex.data.images import decode_image, decode_rgb
from itcortex.errors import UserError
from itcortex.networks.preprocessing import Preprocessing
from itcortex.numerics import metrics
from itcortex.numerics.ranks import correlate_ranks, unit_ranks
from itcortex.numerics.sampling import spread

COLUMNS = ("image_id", "image", "label", "map", "shortcut")
_BATCH = 256


@dataclass(frozen=True)
class Shown:
    """Labelled images with a shortcut, in one order.

    Attributes
    ----------
    image_ids : names.
    images : uint8 (image, row, column, rgb).
    labels, shortcuts : classes (image,) of the object and of the shortcut.
    maps : float32 (image, row, column), where the object is.
    """

    image_ids: tuple[str, ...]
    images: np.ndarray
    labels: np.ndarray
    shortcuts: np.ndarray
    maps: np.ndarray

    @classmethod
    def of_table(cls, table: pd.DataFrame, path: str) -> "Shown":
        """The images of a shard; raises `UserError`, naming the file, for one that is none."""
        missing = [name for name in COLUMNS if name not in table]
        if missing or not len(table):
            raise UserError(
                f"{path}: no images with a shortcut (columns {', '.join(table)}); it needs "
                f"{', '.join(COLUMNS)} and one row for each image: delete it to make it anew"
            )
        where = [f"{path}: {name}" for name in table["image_id"]]
        pairs = zip(table["image"], table["map"], where, strict=True)
        decoded = [(decode_rgb(a, w), decode_image(b, w)) for a, b, w in pairs]
        return cls(
            image_ids=tuple(table["image_id"]),
            images=np.stack([np.asarray(image) for image, _ in decoded]),
            labels=table["label"].to_numpy(np.int64),
            shortcuts=table["shortcut"].to_numpy(np.int64),
            maps=np.stack([np.asarray(one, np.float32) for _, one in decoded]),
        )

    def part(self, rows: list[int]) -> "Shown":
        """Some of the images."""
        names = tuple(self.image_ids[row] for row in rows)
        arrays = (self.images, self.labels, self.shortcuts, self.maps)
        return Shown(names, *(array[rows] for array in arrays))


def top_classes(model: nn.Module, preprocessing: Preprocessing, images: np.ndarray) -> np.ndarray:
    """Class (image,) that the network ranks first."""
    found = []
    with torch.no_grad():
        model.eval()
        for start in range(0, len(images), _BATCH):
            found.append(model(preprocessing(images[start : start + _BATCH])).argmax(1).numpy())
    return np.concatenate(found)


def reliance(predicted: dict[str, np.ndarray], intact: Shown, broken: Shown) -> dict[str, float]:
    """Accuracies, and how often the shortcut's class is predicted for a broken image.

    `predicted` are classes (image,) of the intact and of the broken images. Broken images whose
    shortcut happens to show the object's class are left out of `accuracy_broken` and
    `shortcut_answers`, because there the two cannot be told apart. Chance is then .1 for both.
    """
    apart = broken.shortcuts != broken.labels
    if not apart.any():
        raise UserError("broken images: the shortcut shows the object's class in all of them")
    given = predicted["broken"][apart]
    return {
        "accuracy_intact": float((predicted["intact"] == intact.labels).mean()),
        "accuracy_broken": float((given == broken.labels[apart]).mean()),
        "shortcut_answers": float((given == broken.shortcuts[apart]).mean()),
        "n_images": len(intact.labels),
        "n_broken": int(apart.sum()),
    }


def explain(
    model: nn.Module, preprocessing: Preprocessing, shown: Shown, patch: int, stride: int
) -> dict[str, np.ndarray]:
    """Maps float32 (image, row, column) of the true class's logit, by name: gradient, occlusion.

    The gradient is its largest absolute value over colour; `patch` and `stride` are of the grey
    square that covers, in pixels of the network's input.
    """
    batch, labels = preprocessing(shown.images), torch.from_numpy(shown.labels)
    parts = [slice(start, start + _BATCH) for start in range(0, len(batch), _BATCH)]
    gradient = torch.cat([saliency(model, batch[part], labels[part])[0] for part in parts])
    mean, std = (torch.tensor(v) for v in (preprocessing.mean, preprocessing.std))
    covered = occlusion(model, batch, labels, patch, stride, (GREY - mean) / std)
    return {"gradient": gradient.numpy(), "occlusion": covered.numpy()}


def alignment(maps: np.ndarray, human: np.ndarray) -> tuple[float, int]:
    """Mean Spearman correlation of maps with human maps (image, row, column), and how many have none.

    A map that does not vary has no correlation: it is left out of the mean and counted.
    """
    pairs = zip(maps, human, strict=True)
    rho = np.array([correlate_ranks(unit_ranks(one), unit_ranks(other)) for one, other in pairs])
    return float(metrics.mean_defined(rho)), int(np.isnan(rho).sum())


def probe(
    model: nn.Module, preprocessing: Preprocessing, intact: Shown, broken: Shown,
    n_aligned: int, patch: int, stride: int,
) -> tuple[dict[str, float], Shown, dict[str, np.ndarray]]:  # fmt: skip
    """All measures of one network, the intact images whose maps they rest on, and these maps.

    Maps are made of `n_aligned` images, evenly spread over the set. Raises `UserError` for images
    and maps that are not of the network's size.
    """
    size = preprocessing.input_size[1:]
    for found in (intact.images.shape[1:3], intact.maps.shape[1:]):
        if found != size:
            raise UserError(
                f"images and maps of {found} pixels need a network of that input, not {size}"
            )
    given = {"intact": intact, "broken": broken}
    predicted = {
        name: top_classes(model, preprocessing, some.images) for name, some in given.items()
    }
    measures = reliance(predicted, intact, broken)
    chosen = intact.part(spread(len(intact.labels), n_aligned))
    maps = explain(model, preprocessing, chosen, patch, stride)
    for kind, found in maps.items():
        rho, undefined = alignment(found, chosen.maps)
        measures |= {f"alignment_{kind}": rho, f"undefined_{kind}": undefined}
    return measures | {"n_aligned": len(chosen.labels)}, chosen, maps
