"""Which images a training step sees, and how: a function of (seed, epoch, position) and nothing else.

There is no random generator whose state goes on from step to step. Therefore a training that is
continued sees the images it would have seen, whatever the number of processes or workers.
"""

import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch.utils.data import DataLoader, Dataset

from itcortex.errors import UserError
from itcortex.networks.preprocessing import Preprocessing
from itcortex.training.augmentation import (
    Crop,
    centre_crop,
    cut_image,
    cut_map,
    random_crop,
    require_same_aspect,
)
from itcortex.training.images.samples import Joined, Sample, Samples
from itcortex.training.recipe import Recipe

_ORDER, _DRAW, _CROP = 1, 2, 3  # separate streams of random numbers, one for each purpose
Key = tuple[int, int, int]  # epoch, position in its order, image


@dataclass
class Batch:
    """Images uint8 (image, row, column, rgb) with labels, maps, tokens and names, on the CPU.

    `maps` float32 (image, row, column), 0 for images without a map; `tokens` is 1 for images with a
    map. `n_empty` maps had one value everywhere in the crop: they do not say where to look, and the
    image counts as one without a map.
    """

    images: torch.Tensor
    labels: torch.Tensor
    maps: torch.Tensor
    tokens: torch.Tensor
    image_ids: list[str]
    n_empty: int

    def pin_memory(self) -> "Batch":
        """Move what is copied to a GPU into page-locked memory, which the GPU reads without waiting."""
        self.images, self.maps = self.images.pin_memory(), self.maps.pin_memory()
        return self

    def inputs(
        self, preprocessing: Preprocessing, device: torch.device, channels_last: bool
    ) -> torch.Tensor:
        """The images as the network's input, float32 (image, rgb, row, column) on `device`."""
        images = self.images.to(device, non_blocking=True).permute(0, 3, 1, 2)
        if not channels_last:
            images = images.contiguous()
        mean, std = (
            torch.tensor(v, device=device).view(3, 1, 1)
            for v in (preprocessing.mean, preprocessing.std)
        )
        return images.float().div_(255).sub_(mean).div_(std)


class Mixture:
    """The images of every epoch in their order: all labelled images once, mapped images by their share.

    Mapped images are dealt out over the epochs like a deck of cards: none is shown twice before all
    were shown once. Without labelled images an epoch consists of all mapped images.
    """

    def __init__(self, labelled: Samples, mapped: Samples, map_share: float, seed: int):
        self.samples = Joined([labelled, mapped])
        self.seed = seed
        self.n_labelled, self.n_mapped = len(labelled.labels), len(mapped.labels)
        self.n_drawn = self.n_mapped
        if self.n_labelled:
            wanted = self.n_labelled * map_share / (1 - map_share)
            self.n_drawn = round(wanted) if self.n_mapped else 0

    def __len__(self) -> int:
        """Number of images in an epoch."""
        return self.n_labelled + self.n_drawn

    def order(self, epoch: int) -> np.ndarray:
        """Indices into `samples` of the images of an epoch, shuffled."""
        images = np.arange(self.n_labelled)
        if self.n_drawn:
            places = epoch * self.n_drawn + np.arange(self.n_drawn)
            drawn = np.empty(self.n_drawn, np.int64)
            for deal in np.unique(places // self.n_mapped):
                rng = np.random.default_rng([self.seed, deal, _DRAW])
                here = places // self.n_mapped == deal
                drawn[here] = rng.permutation(self.n_mapped)[places[here] % self.n_mapped]
            images = np.concatenate([images, self.n_labelled + drawn])
        return np.random.default_rng([self.seed, epoch, _ORDER]).permutation(images)


class Steps:
    """Keys of the images of every part of every step, for one of several processes.

    A batch is cut into parts (accumulation) and every part into equal slices, one for each process, so
    that the processes together see what a single process would.
    """

    def __init__(self, mixture: Mixture, recipe: Recipe, rank: int, ranks: int, first_step: int):
        self.mixture, self.recipe, self.rank, self.ranks = mixture, recipe, rank, ranks
        self.first_step = first_step
        self.per_epoch = steps_per_epoch(mixture, recipe)
        self.total = self.per_epoch * recipe.epochs
        if recipe.batch_size % (recipe.accumulation * ranks):
            raise UserError(
                f"recipe: batch_size {recipe.batch_size} cannot be shared equally by {ranks} "
                f"processes with {recipe.accumulation} parts each (accumulation)"
            )

    def __len__(self) -> int:
        """Number of parts that are still to come."""
        return (self.total - self.first_step) * self.recipe.accumulation

    def __iter__(self) -> Iterator[list[Key]]:
        """Yield the keys of one part after another."""
        size = self.recipe.batch_size // self.recipe.accumulation
        mine = size // self.ranks
        order = lru_cache(1)(self.mixture.order)
        for step in range(self.first_step, self.total):
            epoch, place = divmod(step, self.per_epoch)
            images = order(epoch)
            for part in range(self.recipe.accumulation):
                start = place * self.recipe.batch_size + part * size + self.rank * mine
                yield [(epoch, p, int(images[p])) for p in range(start, start + mine)]


def steps_per_epoch(mixture: Mixture, recipe: Recipe) -> int:
    """Number of whole batches in an epoch; the images left over differ from epoch to epoch."""
    steps = len(mixture) // recipe.batch_size
    if steps == 0:
        raise UserError(
            f"recipe: batch_size {recipe.batch_size} is more than the {len(mixture)} images of an "
            "epoch; set a smaller one"
        )
    return steps


# --- items ----------------------------------------------------------------------------------------


@dataclass
class Item:
    """One image as a training step sees it."""

    image: np.ndarray
    label: int
    human_map: np.ndarray | None
    image_id: str
    empty: bool


class Augmented(Dataset):
    """Images under random crops and flips, by key; for an unreadable image the item is the error.

    (If a worker raised the error, it would reach the user inside the traceback of the worker.)
    """

    def __init__(self, mixture: Mixture, recipe: Recipe, preprocessing: Preprocessing):
        self.mixture, self.recipe, self.preprocessing = mixture, recipe, preprocessing

    def __getitem__(self, key: Key) -> Item | UserError:
        """The image of a key, its crop drawn with (seed, epoch, position)."""
        epoch, position, index = key
        recipe = self.recipe
        rng = np.random.default_rng([self.mixture.seed, epoch, position, _CROP])
        try:
            sample = self.mixture.samples.read(index)
            crop = random_crop(
                sample.image.size, recipe.crop_scale, recipe.crop_ratio, recipe.flip, rng
            )
            return cut(sample, crop, self.preprocessing)
        except UserError as error:
            return error


class Judged(Dataset):
    """Images for validation: photographs with a human map whole, of others the central square."""

    def __init__(self, samples: Samples, share: float, preprocessing: Preprocessing):
        self.samples, self.share, self.preprocessing = samples, share, preprocessing

    def __getitem__(self, index: int) -> Item | UserError:
        """One image."""
        try:
            sample = self.samples.read(index)
            whole = sample.human_map is not None
            crop = Crop() if whole else centre_crop(sample.image.size, self.share)
            return cut(sample, crop, self.preprocessing)
        except UserError as error:
            return error


def cut(sample: Sample, crop: Crop, preprocessing: Preprocessing) -> Item:
    """Image and map under one crop, at the network's input size.

    Raises `UserError`, naming the image, for a map of another aspect or with values not finite.
    """
    size, human, empty = preprocessing.input_size[1:], sample.human_map, False
    if human is not None:
        if not np.isfinite(human).all():
            raise UserError(
                f"{sample.image_id}: its human map has values that are not finite; mend the map, or "
                "leave the image out"
            )
        require_same_aspect(sample.image, human, sample.image_id)
        human = cut_map(human, crop, size)
        empty = bool(human.min() == human.max())
    image = cut_image(sample.image, crop, size, preprocessing.interpolation)
    return Item(image, sample.label, None if empty else human, sample.image_id, empty)


def collate(items: list[Item | UserError]) -> Batch | UserError:
    """The items as one batch, or the first error among them."""
    for item in items:
        if isinstance(item, UserError):
            return item
    images = np.stack([item.image for item in items])
    maps = np.zeros(images.shape[:3], np.float32)
    for place, item in enumerate(items):
        if item.human_map is not None:
            maps[place] = item.human_map
    return Batch(
        images=torch.from_numpy(images),
        labels=torch.tensor([item.label for item in items]),
        maps=torch.from_numpy(maps),
        tokens=torch.tensor([float(item.human_map is not None) for item in items]),
        image_ids=[item.image_id for item in items],
        n_empty=sum(item.empty for item in items),
    )


def load_batches(dataset: Dataset, keys, workers: int, device: torch.device) -> Iterator[Batch]:
    """Batches of a dataset, read ahead by `workers` processes; raises the errors of those processes."""
    loader = DataLoader(
        dataset,
        batch_sampler=keys,
        num_workers=workers,
        # A rank was spawned and would by default spawn its workers, each with seconds of imports.
        multiprocessing_context="fork" if workers and sys.platform == "linux" else None,
        collate_fn=collate,
        pin_memory=device.type == "cuda",
        worker_init_fn=_start_worker,
        generator=torch.Generator(),  # the default one belongs to the training
    )
    for batch in loader:
        if isinstance(batch, UserError):
            raise batch
        yield batch


def _start_worker(_worker: int) -> None:
    """Give a worker one BLAS thread, and let it ignore SIGTERM.

    A scheduler sends SIGTERM to all processes of a job, and the trainer, who finishes its step, still
    needs the worker. BLAS would start one thread for every core in every worker for the small products
    of ClickMe's maps: on a busy machine two threads took 27 ms for what one does in 1 ms.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threadpool_limits(1)
