"""Recording predicts recording: what the sites of one recording tell of the responses of another.

Where two recordings were shown the same pictures, the sites of one are features, as a layer of a network
is, and the responses of the other are predicted from them, with the mapping, folds and metrics of
networks. What it reaches is a ceiling by name:

recording:NAME
    Predicted from the sites of the recording NAME.
other_recordings
    Predicted from the sites of all recordings that share enough pictures, side by side.

Neither is an upper bound. The other sites are few and noisy, and a network may know more. Sessions of
one animal share its brain, eyes and habits, so that they are an optimistic ceiling for another animal.

Pictures are the same where their pixels are, whatever their names. Only shared ones count; they stay in
the folds that they have for networks, and twins in one fold. Where one test set is held out, the source
is fitted to the training images and tested on the test images, as a network is.

This module says which recordings make a pair; `itcortex.encoding.pair_scores` fits and scores it.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from itcortex.errors import UserError
from itcortex.mappings.folds import Division
from itcortex.numerics.metrics import FEWEST_SAMPLES, varies

#: Begins the name of the ceiling that another recording is.
OF_RECORDING = "recording:"
#: The ceiling that all other recordings together are.
OTHERS = "other_recordings"
#: Protocols whose mapping is not for sites as features, and the one whose mapping is taken: the authors'
#: code scales the features of an image and leaves out the last one.
MAPPED_AS = {"reference": "corrected"}
#: Folds that must be left, as in `itcortex.mappings.folds.assign_folds`; of one test set, its images
#: and parts of the training images that choose the penalty.
_FEWEST_FOLDS = 3
PAIR = ["ceiling_name", "sources", "source_monkeys", "same_monkey", "n_images", "n_shared", "n_sites",
        "n_source_sites", "refused"]  # fmt: skip


def is_of_recordings(ceiling_name: str) -> bool:
    """True for the name of a ceiling that other recordings are."""
    return ceiling_name == OTHERS or ceiling_name.startswith(OF_RECORDING)


@dataclass(frozen=True)
class Shown:
    """A recording, and what it was shown.

    Attributes
    ----------
    name, monkey : str
    responses : float64 array (image, y, x, site)
        In its main window.
    digests : tuple of str
        Digest of every image's pixels.
    sites : tuple of str
        Names of the sites.
    """

    name: str
    monkey: str
    responses: np.ndarray
    digests: tuple[str, ...]
    sites: tuple[str, ...]

    def __post_init__(self):
        """Refuse responses that are not finite, or are of another number of images."""
        if not np.isfinite(self.responses).all():
            raise UserError(
                f"{self.name}: NaN or infinite responses; a recording that predicts another needs a "
                "response of every site to every image"
            )
        if len(self.responses) != len(self.digests):
            raise UserError(
                f"{self.name}: responses to {len(self.responses)} images, and {len(self.digests)} "
                "pictures"
            )

    @property
    def grid(self) -> tuple[int, int]:
        """Number of positions along y and x."""
        return self.responses.shape[1:3]

    @property
    def has_grid(self) -> bool:
        """True where responses were recorded at more than one position."""
        return self.grid != (1, 1)


@dataclass(frozen=True)
class Pairing:
    """One recording, and others that predict it.

    Attributes
    ----------
    ceiling_name : str
    target : Shown
    sources : tuple of Shown
    images : int array (image,)
        Images of the target that all sources were shown too.
    division : Division
        That of the target, of these images alone.
    refused : str
        Why nothing is predicted; empty where it is.
    """

    ceiling_name: str
    target: Shown
    sources: tuple[Shown, ...]
    images: np.ndarray
    division: Division
    refused: str

    @property
    def about(self) -> dict:
        """What the pair is, by the columns `PAIR`."""
        monkeys = [source.monkey for source in self.sources]
        values = (
            self.ceiling_name, " + ".join(source.name for source in self.sources),
            " + ".join(dict.fromkeys(monkeys)), _of_one_monkey(self.target, self.sources),
            len(self.target.digests), len(self.images), self.target.responses.shape[3],
            sum(source.responses.shape[3] for source in self.sources), self.refused,
        )  # fmt: skip
        return dict(zip(PAIR, values, strict=True))

    @property
    def has_one_test_set(self) -> bool:
        """True where images that only train are shared beside those of one test set."""
        return not self.division.tests_once

    @property
    def shared(self) -> pd.DataFrame:
        """Shared images that are tested (index into those of the target), and the folds they are in."""
        fold_of = self.division.tested_in
        tested = np.flatnonzero(fold_of >= 0)
        names = np.array(self.division.names)[fold_of[tested]]
        return pd.DataFrame(
            {"ceiling_name": self.ceiling_name, "image": self.images[tested], "fold": names}
        )


def _of_one_monkey(target: Shown, sources: tuple[Shown, ...]) -> str:
    """Whether the sources are of the target's animal: yes, partly (some sites are), no, or unknown.

    An entry may pool animals: "M1, M2 and M3". An own recording whose entry names no animal has its own
    name there, which says nothing.
    """
    of_target = _animals(target)
    of_sources = [_animals(source) for source in sources]
    if any(of_target & one for one in of_sources):
        return "yes" if all(one == of_target and len(one) == 1 for one in of_sources) else "partly"
    return "unknown" if any(one.monkey == one.name for one in (target, *sources)) else "no"


def _animals(shown: Shown) -> set[str]:
    return set(re.split(r", | and ", shown.monkey))


def pair_up(target: Shown, others: Sequence[Shown], division: Division) -> list[Pairing]:
    """The target with every other recording and, where several can predict it, with all of these.

    Pairs that cannot be are there too, and say why (`refused`).
    """
    pairs = [_pair(f"{OF_RECORDING}{one.name}", target, (one,), division) for one in others]
    usable = tuple(pair.sources[0] for pair in pairs if not pair.refused)
    if len(usable) > 1:
        pairs.append(_pair(OTHERS, target, usable, division))
    return pairs


def _pair(name: str, target: Shown, sources: tuple[Shown, ...], division: Division) -> Pairing:
    known = set.intersection(*(set(source.digests) for source in sources))
    images = np.array([k for k, one in enumerate(target.digests) if one in known], dtype=int)
    restricted = division.restricted(images)
    refused = _refusal(target, sources, images, division, restricted)
    return Pairing(name, target, sources, images, restricted, refused)


def _refusal(
    target: Shown,
    sources: tuple[Shown, ...],
    images: np.ndarray,
    division: Division,
    restricted: Division,
) -> str:
    """Why these recordings cannot predict the target; empty where they can."""
    others = " and ".join(source.name for source in sources)
    if not len(images):
        return f"{others} and {target.name} have no picture in common (pixels are compared)"
    if target.has_grid and not all(source.has_grid for source in sources):
        return f"{target.name} has a grid of positions and {others} has none"
    if division.group_of is None:
        return (
            "repeated splits test images several times or never; these compare two recordings on folds "
            "or one test set: choose protocol: corrected"
        )
    if same := _same_sites(target, sources, images):
        return (
            f"{same} of {target.name}'s {target.responses.shape[3]} sites are sites of {others} as well "
            "(of the same names and responses): they would predict themselves"
        )
    few = _too_few(division, restricted, int(np.prod(target.grid)))
    return f"{others} and {target.name} share {few}" if few else ""


def _too_few(division: Division, restricted: Division, positions: int) -> str:
    """What of the shared images is too few, and the remedy; empty where they suffice."""
    sizes = [len(split.test) * positions for split in restricted.splits]
    fewest, n_images = min(sizes, default=0), restricted.n_images
    if division.tests_once:
        if len(restricted) >= _FEWEST_FOLDS and fewest >= FEWEST_SAMPLES:
            return ""
        return (
            f"{n_images} images in {len(restricted)} folds, the smallest of {fewest} samples; "
            f"{_FEWEST_FOLDS} folds of {FEWEST_SAMPLES} samples are needed: choose fewer folds"
        )
    parts = np.bincount(restricted.group_of[restricted.group_of >= len(restricted)])
    n_parts, n_train = np.count_nonzero(parts), int(parts.sum())
    if n_parts >= _FEWEST_FOLDS - 1 and min(fewest, n_train * positions) >= FEWEST_SAMPLES:
        return ""
    return (
        f"{sum(sizes)} samples of test images and {n_train} training images in {n_parts} parts; "
        f"{FEWEST_SAMPLES} samples of test images and {_FEWEST_FOLDS - 1} parts of training images are "
        "needed: mark more of the shared images `train` or `test`, or give a number of folds"
    )


def _same_sites(target: Shown, sources: tuple[Shown, ...], images: np.ndarray) -> int:
    """Number of the target's sites that are a source's too: of one name and with the same responses.

    Entries of a registry may take sites of one file that overlap: an area, and one animal's part of it.
    """
    wanted = [target.digests[image] for image in images]
    own = _marks(target, wanted)
    return len(set.union(*(own & _marks(source, wanted) for source in sources)))


def _marks(shown: Shown, wanted: Sequence[str]) -> set[tuple[str, bytes]]:
    """Name and digest of the responses to pictures of every site that varies."""
    values = mean_responses(shown, wanted)
    flat = values.reshape(-1, values.shape[3])
    return {
        (shown.sites[k], hashlib.sha256(flat[:, k].tobytes()).digest())
        for k in np.flatnonzero(varies(flat))
    }


def mean_responses(source: Shown, wanted: Sequence[str]) -> np.ndarray:
    """Responses (image, y, x, site) to pictures by their digests, mean over images of one picture."""
    images: dict[str, list[int]] = {}
    for index, digest in enumerate(source.digests):
        images.setdefault(digest, []).append(index)
    return np.stack([source.responses[images[one]].mean(0) for one in wanted])


def no_divisors(pairs: pd.DataFrame) -> dict[str, str]:
    """Why scores cannot be divided by a ceiling, by its name; `pairs` have the columns `PAIR`.

    Scores are of all images, such a ceiling of the shared ones: their ratio compares like with like
    only where all are shared.
    """
    found = {}
    for row in pairs.itertuples():
        why = row.refused
        if not why and row.n_shared < row.n_images:
            why = (
                f"{row.sources} was shown {row.n_shared} of its {row.n_images} images only, and scores "
                "are of all; tables shared_images and ceiling_effects compare on shared images"
            )
        if why:
            found[row.ceiling_name] = why
    return found
