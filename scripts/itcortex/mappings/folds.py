"""Cross-validation over images: their division, and the choice of a layer without the test images.

The layer for an outer fold i must not depend on i's images. That takes, for every other fold j, a
model that was fitted without i and j. One model without {i, j} serves both orders, so that n folds
need n (n - 1) / 2 extra fits, all of them columns of the same products (see
`itcortex.regression.pls`).
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from itcortex.errors import UserError
from itcortex.mappings.kinds import ONE_KIND, Kinds
from itcortex.numerics.metrics import FEWEST_SAMPLES, mean_defined
from itcortex.regression.design import Problem


@dataclass(frozen=True)
class Split:
    """Images that are held out together, as indices.

    Attributes
    ----------
    train, test : int arrays
        Images that a model is fitted to, and those it is tested on.
    validation : int array
        Images of `train` that choose the layer of this split. Empty where the images that other
        splits hold out do that.
    """

    train: np.ndarray
    test: np.ndarray
    validation: np.ndarray


@dataclass(frozen=True)
class Division:
    """Images that were divided into training and test images, several times over.

    There are three kinds. *Folds* part the images: every image is tested once, and the layer of a fold
    is chosen on the others. *One test set* (`of_groups` with fewer names than groups) is held out from
    training images that are never tested; these are parted into groups that choose the layer.
    *Repeated splits* are drawn one by one: an image may be tested several times or never, so that every
    split chooses its layer on a part of its own training images.

    Attributes
    ----------
    names : tuple of str
        Name of every split.
    splits : tuple of Split
    n_images : int
    pictures : tuple of str
        What every image shows: twins, images with the same pixels, have the same name. Empty where
        nothing is known of that.
    kinds : Kinds
        The kind of every image.
    group_of : int array (image,) or None
        Groups of images that fits leave out as one. Split k tests group k; the groups beyond the splits
        only train, and choose the layer. Images of group -1 are left out altogether. None for repeated
        splits.
    """

    names: tuple[str, ...]
    splits: tuple[Split, ...]
    n_images: int
    pictures: tuple[str, ...] = ()
    kinds: Kinds = ONE_KIND
    group_of: np.ndarray | None = None

    @classmethod
    def into_folds(
        cls, fold_of: np.ndarray, pictures: tuple[str, ...] = (), kinds: Kinds = ONE_KIND
    ) -> "Division":
        """The division that holds out one fold after the other; `fold_of` (image,) counts from 0.

        A fold has the name of its picture where `pictures` (image,) are given and every fold is one
        picture; else folds are called fold-00, fold-01, ...
        """
        n_folds = int(fold_of.max()) + 1
        names = [f"fold-{fold:02d}" for fold in range(n_folds)]
        if n_folds == len(set(pictures)):
            names = [pictures[int(np.argmax(fold_of == fold))] for fold in range(n_folds)]
        return cls.of_groups(tuple(names), fold_of, pictures, kinds)

    @classmethod
    def of_groups(
        cls,
        names: tuple[str, ...],
        group_of: np.ndarray,
        pictures: tuple[str, ...] = (),
        kinds: Kinds = ONE_KIND,
    ) -> "Division":
        """The division that tests one group (image,) after the other, as many as have `names`."""
        splits = tuple(
            Split(
                np.flatnonzero((group_of != k) & (group_of >= 0)),
                np.flatnonzero(group_of == k),
                np.empty(0, int),
            )
            for k in range(len(names))
        )
        return cls(names, splits, len(group_of), pictures, kinds, group_of)

    def __len__(self) -> int:
        """Number of splits."""
        return len(self.splits)

    @property
    def tested_in(self) -> np.ndarray:
        """Split that tests every image, int (image,): -1 for images that only train.

        `ValueError` if an image is tested several times.
        """
        tested_in = np.full(self.n_images, -1)
        for index, split in enumerate(self.splits):
            if (tested_in[split.test] >= 0).any():
                raise ValueError("an image is tested several times: these are repeated splits")
            tested_in[split.test] = index
        return tested_in

    @property
    def tests_once(self) -> bool:
        """True for folds: every image is tested exactly once."""
        tested = np.concatenate([split.test for split in self.splits])
        return np.array_equal(np.sort(tested), np.arange(self.n_images))

    def restricted(self, images: np.ndarray) -> "Division":
        """The same splits of some `images` (index, each once) alone, in the order of `images`.

        An image stays in the split that it was in. Splits that test none of the images are left out.
        """
        place = np.full(self.n_images, -1)
        place[images] = np.arange(len(images))

        def kept(some: np.ndarray) -> np.ndarray:
            moved = place[some]
            return np.sort(moved[moved >= 0])

        parts = [Split(*map(kept, (one.train, one.test, one.validation))) for one in self.splits]
        used = [k for k, one in enumerate(parts) if len(one.test)]
        pictures = tuple(self.pictures[i] for i in images) if self.pictures else ()
        names, splits = (tuple(some[k] for k in used) for some in (self.names, parts))
        kinds = self.kinds.of_images(images)
        if self.group_of is None:
            return Division(names, splits, len(images), pictures, kinds)
        groups = self.group_of[images]
        order = [*used, *np.unique(groups[groups >= len(self)]).tolist()]
        group_of = np.full(len(images), -1)
        for number, group in enumerate(order):
            group_of[groups == group] = number
        return Division(names, splits, len(images), pictures, kinds, group_of)

    @property
    def fold_of(self) -> np.ndarray:
        """Fold of every image, int (image,); `ValueError` if an image is not tested exactly once."""
        if not self.tests_once:
            raise ValueError(
                "repeated splits are no folds: an image is tested several times or never"
            )
        return self.tested_in

    @property
    def tested(self) -> np.ndarray:
        """Mask (image,) of the images that are tested; all of them in repeated splits."""
        return np.ones(self.n_images, bool) if self.group_of is None else self.tested_in >= 0


def assign_folds(
    pictures: tuple[str, ...],
    folds: str | int,
    rng: np.random.Generator,
    n_positions: int | None = None,
) -> np.ndarray:
    """Fold of every image: its own ("image"), or one of `folds` nearly equal parts drawn by `rng`.

    Images of one picture, twins, are in one fold: what a model learned of one is no test of it on the
    other. The draw is over sorted names: the order of images in a file does not matter.

    Parameters
    ----------
    pictures : tuple of str
        Name of what every image shows; twins have the same.
    folds : "image" or int
    rng : numpy Generator
    n_positions : int, optional
        Positions of the recording's grid, 1 without a grid. Where it is given, folds of fewer than
        `FEWEST_SAMPLES` samples are refused.

    Raises `UserError` when there are fewer pictures than folds, fewer than three folds (two are needed
    to fit the models that choose a layer for the third), or too few samples in a fold.
    """
    names, picture_of, sizes = np.unique(pictures, return_inverse=True, return_counts=True)
    n_pictures = len(names)
    n_folds = n_pictures if folds == "image" else int(folds)
    if n_folds > n_pictures or n_folds < 3:
        raise UserError(
            f"encoding: folds: {folds!r} needs at least 3 folds and no more than there are images "
            f"({n_pictures}); choose a number from 3 to {n_pictures}"
        )
    if n_positions is not None:
        require_samples(n_pictures, n_folds, n_positions, folds)
    if folds == "image":
        order = {name: fold for fold, name in enumerate(dict.fromkeys(pictures))}
        return np.array([order[name] for name in pictures])
    fold_of_picture, filled = np.empty(n_pictures, int), np.zeros(n_folds, int)
    for picture in rng.permutation(n_pictures):
        fold_of_picture[picture] = filled.argmin()
        filled[fold_of_picture[picture]] += sizes[picture]
    return fold_of_picture[picture_of]


def require_samples(n_images: int, n_folds: int, n_positions: int, folds: str | int) -> None:
    """Raise `UserError` if a fold of `n_images` would have fewer than `FEWEST_SAMPLES` samples."""
    fewest = n_images // n_folds * n_positions
    if fewest >= FEWEST_SAMPLES:
        return
    most = n_images // -(-FEWEST_SAMPLES // n_positions)
    remedy = f"choose at most {most} folds" if most >= 3 else "record more images"
    raise UserError(
        f"encoding: folds: {folds!r} leaves {fewest} samples (images times positions of the grid) in a "
        f"fold of these {n_images} images; a correlation needs at least {FEWEST_SAMPLES}: with fewer it "
        f"is often near 1 or -1 by chance; {remedy}"
    )


def single_problems(n_folds: int, target: int) -> list[Problem]:
    """One problem for each fold: its test images are scored."""
    return [Problem(target, (fold,)) for fold in range(n_folds)]


def pair_problems(n_groups: int, target: int, tested: int | None = None) -> list[Problem]:
    """One problem for each pair of groups: its scores choose a layer for either of them.

    Pairs without any of the first `tested` groups (all, if not given) choose for none, and are left out.
    """
    pairs = combinations(range(n_groups), 2)
    return [Problem(target, pair) for pair in pairs if tested is None or pair[0] < tested]


def choose_layers(inner: np.ndarray) -> np.ndarray:
    """Layer chosen for every split from scores within its training images (layer, split, group).

    ``inner[layer, i, j]`` is the score on group j of a model fitted without split i and group j. The
    first groups are the splits themselves: the diagonal says nothing, and is ignored, unless there is
    one split with one score. The layer with the highest mean is chosen, the shallower one in a tie.
    Raises `UserError`, with its number, for a split for which no inner score of any layer is defined:
    the score would be a mean over the others without a word.
    """
    n_splits, n_groups = inner.shape[1:]
    if n_groups > 1:
        inner = np.where(np.eye(n_splits, n_groups, dtype=bool), np.nan, inner)
    undefined = np.flatnonzero(~np.isfinite(inner).any(2).all(0))
    if undefined.size:
        raise UserError(
            f"no layer has a defined inner score for {undefined.size} of {n_splits} splits (counted "
            f"from 0: {', '.join(map(str, undefined[:5]))}): responses of all sites are constant on the "
            "images that choose its layer; leave silent sites out, or divide the images into fewer parts"
        )
    return np.argmax(mean_defined(inner, axis=2), axis=0)
