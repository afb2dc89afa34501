"""Top-1 accuracy of a classifier on labelled images: what the model table's `measure` stands for."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from itcortex.errors import UserError
from itcortex.networks.imagenet import N_CLASSES, class_folders, class_of_folder, imagenet_classes
from itcortex.networks.preprocessing import Preprocessing
from itcortex.running.progress import bar
from itcortex.training.batches import Judged, load_batches
from itcortex.training.images.class_folders import Folder
from itcortex.training.images.samples import Samples
from itcortex.training.recipe import Recipe


@dataclass(frozen=True)
class Accuracy:
    """Top-1 accuracy in percent, over `n_images` images.

    `crop` is the side of the central square that was shown, as a share of the image's shorter side.
    """

    top1: float
    n_images: int
    crop: float


def imagenet_folder(root: str | Path) -> Folder:
    """Labelled images of all of ImageNet's 1,000 classes, a folder each.

    Raises `UserError` for folders that are not named after the classes (`imagenet.class_of_folder`), and
    for a class without an image.
    """
    root = Path(root)
    numbers = class_of_folder(class_folders(root), imagenet_classes(), str(root))
    folder = Folder.numbered(root, numbers)
    empty = sorted(set(range(N_CLASSES)) - set(folder.labels.tolist()))
    if empty:
        name = next(name for name, number in numbers.items() if number == empty[0])
        raise UserError(
            f"{root}: folder {name!r} holds no image ({len(empty)} such folders); top-1 is over all "
            f"{N_CLASSES:,} classes"
        )
    return folder


def published_crop(model: nn.Module) -> float:
    """The central crop behind a network's published accuracy: timm's, else the usual .875."""
    config = getattr(model, "pretrained_cfg", None) or {}
    return float(config.get("crop_pct") or Recipe.validation_crop)


def measure_top1(
    model: nn.Module,
    preprocessing: Preprocessing,
    samples: Samples,
    crop: float,
    batch_size: int,
    device: torch.device,
) -> Accuracy:
    """Share of the images (in percent) whose label has the largest of the network's scores.

    An image is the central square, with a side of `crop` times the image's shorter side, resized to the
    network's input. Raises `UserError` for a network that does not put out 1,000 scores, and naming an
    image that cannot be read.
    """
    count, right = len(samples.labels), 0
    keys = [list(range(s, min(s + batch_size, count))) for s in range(0, count, batch_size)]
    batches = load_batches(Judged(samples, crop, preprocessing), keys, 0, device)
    model.eval()
    for batch in bar(batches, "top-1", unit="batch", total=len(keys)):
        with torch.inference_mode():
            scores = model(batch.inputs(preprocessing, device, channels_last=False))
        if scores.ndim != 2 or scores.shape[1] != N_CLASSES:
            raise UserError(
                f"top1: measure: the network puts out {tuple(scores.shape[1:])} for an image, and top-1 "
                f"is over the {N_CLASSES:,} classes of ImageNet; leave top1 empty in the model's row"
            )
        right += int((scores.argmax(1).cpu() == batch.labels).sum())
    return Accuracy(100 * right / count, count, crop)
