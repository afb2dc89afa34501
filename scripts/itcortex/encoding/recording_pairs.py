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
the folds that they have for networks, and twins in one fold.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from itcortex.encoding.raw_scores import raw_scores
from itcortex.encoding.targets import Target, shuffling
from itcortex.errors import UserError
from itcortex.mappings.folds import Division
from itcortex.mappings.layer_scores import LayerScores
from itcortex.numerics.metrics import FEWEST_SAMPLES, median_over_sites, varies
from itcortex.numerics.resample import pool_maps, resize_maps

#: Begins the name of the ceiling that another recording is.
OF_RECORDING = "recording:"
#: The ceiling that all other recordings together are.
OTHERS = "other_recordings"
#: Protocols whose mapping is not for sites as features, and the one whose mapping is taken: the authors'
#: code scales the features of an image and leaves out the last one.
MAPPED_AS = {"reference": "corrected"}
#: Folds that must be left, as in `itcortex.mappings.folds.assign_folds`.
_FEWEST_FOLDS = 3
PAIR = ["ceiling_name", "sources", "source_monkeys", "same_monkey", "n_images", "n_shared", "n_sites",
        "n_source_sites", "refused"]  # fmt: skip
SCORES = ["ceiling_name", "mapping", "control", "permutation", "main_window",
          "window_start", "window_stop", "fold", "site"]  # fmt: skip

Fitter = Callable[[np.ndarray, np.ndarray, Division], LayerScores]


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
    """

    name: str
    monkey: str
    responses: np.ndarray
    digests: tuple[str, ...]

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
    def shared(self) -> pd.DataFrame:
        """Shared images (index into those of the target) and the folds they are in."""
        names = np.array(self.division.names)[self.division.fold_of]
        return pd.DataFrame(
            {"ceiling_name": self.ceiling_name, "image": self.images, "fold": names}
        )


def _of_one_monkey(target: Shown, sources: tuple[Shown, ...]) -> str:
    """Whether the sources are of the target's animal: yes, partly (some are), no, or unknown.

    An own recording whose entry names no animal has its own name there, which says nothing.
    """
    same = [target.monkey == source.monkey for source in sources]
    if any(same):
        return "yes" if all(same) else "partly"
    return "unknown" if any(one.monkey == one.name for one in (target, *sources)) else "no"


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
    if not division.tests_once:
        return "splits that do not test every image once are no folds; these compare two recordings"
    positions = int(np.prod(target.grid))
    fewest = min(len(split.test) for split in restricted.splits) * positions
    if len(restricted) < _FEWEST_FOLDS or fewest < FEWEST_SAMPLES:
        return (
            f"{others} and {target.name} share {len(images)} images in {len(restricted)} folds, the "
            f"smallest of {fewest} samples; {_FEWEST_FOLDS} folds of {FEWEST_SAMPLES} samples are "
            "needed: choose fewer folds"
        )
    return ""


def features_of(pairing: Pairing, pool: int) -> np.ndarray:
    """Features (image, y, x, feature) of the shared images: z-scored sites of all sources.

    A source's responses to several images of one picture are averaged. Its grid is resampled to the
    target's, as a layer's map is; for a target without a grid every position of every site is a
    feature, after averaging to at most `pool` x `pool` positions. A site that does not vary is 0.
    """
    wanted = [pairing.target.digests[image] for image in pairing.images]
    parts = []
    for source in pairing.sources:
        maps = _mean_responses(source, wanted)
        if pairing.target.has_grid:
            maps = resize_maps(maps, pairing.target.grid)
        elif source.has_grid:
            pooled = pool_maps(maps, pool)
            maps = pooled.reshape(len(maps), 1, 1, -1).astype(np.float64)
        flat = maps.reshape(-1, maps.shape[3])
        spread = np.where(varies(flat), flat.std(0), np.inf)
        parts.append((maps - flat.mean(0)) / spread)
    return np.concatenate(parts, axis=3)


def _mean_responses(source: Shown, wanted: Sequence[str]) -> np.ndarray:
    """Responses (image, y, x, site) to pictures by their digests, mean over images of one picture."""
    images: dict[str, list[int]] = {}
    for index, digest in enumerate(source.digests):
        images.setdefault(digest, []).append(index)
    return np.stack([source.responses[images[one]].mean(0) for one in wanted])


def score(
    pairing: Pairing,
    targets: list[Target],
    responses: Mapping,
    site_ids: tuple[str, ...],
    fitters: Mapping[str, Fitter],
    labels: dict,
    pool: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Raw scores of one pair: a row for each mapping, target, fold and site.

    Parameters
    ----------
    pairing : Pairing
        One that is not refused.
    targets : list of Target
        The main window first, then others, and shuffled ones. The first mapping is fitted to all, the
        others to the main window and its shuffled responses.
    responses : float64 arrays (image, y, x, site) of all images of the target by window.
    fitters : functions (maps, responses, division) -> LayerScores, by mapping.
    labels : of every row.
    rng : numpy Generator
        Shuffles the shared images, as for networks: no image keeps the responses to its picture.

    Returns
    -------
    Columns `labels`, `SCORES`, metrics, and r within each kind of image where there are several.
    """
    features, division = features_of(pairing, pool), pairing.division
    pictures = division.pictures or tuple(map(str, range(len(pairing.images))))
    orders = [
        shuffling(pictures, rng) if one.control != "none" else np.arange(len(pairing.images))
        for one in targets
    ]
    stacked = np.stack(
        [
            responses[one.window][pairing.images][order]
            for one, order in zip(targets, orders, strict=True)
        ]
    )
    parts = []
    for mapping, fit in fitters.items():
        used = [k for k, one in enumerate(targets) if one.main or not parts]
        result = fit(features, stacked[used], division)
        known = labels | {"ceiling_name": pairing.ceiling_name, "mapping": mapping}
        table = raw_scores(
            known, [targets[k] for k in used], {pairing.ceiling_name: np.nan}, [result],
            np.zeros(len(division), dtype=int), division.names, site_ids,
        )  # fmt: skip
        parts.append(table.drop(columns=["layer", "depth", "chosen"]))
    return pd.concat(parts, ignore_index=True)


def as_ceilings(
    scores: pd.DataFrame, mapping: str, windows: Sequence, folds: tuple[str, ...]
) -> tuple[list[dict], list[dict]]:
    """Ceilings (fold,) by name: of every window, and by chance of every permutation.

    A ceiling is the median over sites of r with this mapping, as a network's score is; NaN in folds
    that hold no shared image.
    """
    rows = scores[scores["mapping"].astype(str) == mapping]
    real = rows[rows["control"] == "none"]
    estimates = []
    for window in windows:
        start = real["window_start"]
        of_window = real[start.isna() if window is None else
                         (start == window[0]) & (real["window_stop"] == window[1])]  # fmt: skip
        estimates.append(_by_ceiling(of_window, folds))
    control = rows[rows["control"] != "none"]
    by_chance = [_by_ceiling(some, folds) for _, some in control.groupby("permutation")]
    return estimates, by_chance


def _by_ceiling(rows: pd.DataFrame, folds: tuple[str, ...]) -> dict[str, np.ndarray]:
    found = {}
    for name, some in rows.groupby("ceiling_name", observed=True, sort=False):
        table = some.pivot(index="fold", columns="site", values="r").reindex(list(folds))
        found[str(name)] = median_over_sites(table.to_numpy(float))
    return found


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
