"""Images in the tables: twins, kinds, and scores within kinds (see `itcortex.mappings.kinds`)."""

import logging

import numpy as np
import pandas as pd

from itcortex.mappings.kinds import OF_KIND
from itcortex.numerics import sampling
from itcortex.numerics.metrics import mean_defined, predictivity

_log = logging.getLogger(__name__)


def scores_of_kinds(raw: pd.DataFrame) -> list[str]:
    """Columns of raw scores that hold r within a kind; none where all images are of one kind."""
    return [name for name in raw if str(name).startswith(OF_KIND)]


def within_kinds(
    scores: pd.DataFrame,
    shape: tuple[int, int, int],
    plain: tuple[float, float, float],
    draws: int,
    rng: np.random.Generator,
) -> dict[str, float | bool]:
    """Mean over kinds of the score within a kind, its interval, and if it lies outside that of r.

    Parameters
    ----------
    scores : raw scores of one target at the chosen layers, sorted by permutation, fold and site
    shape : number of permutations, folds and sites
    plain : r over all images with its interval, which are repeated where there is one kind
    draws : draws over folds and sites; the interval of a control is that of its permutations
    rng : numpy Generator
        It gives a generator to this interval and stays as it is.
    """
    names, (r, low, high) = scores_of_kinds(scores), plain
    if not names:
        limits, within, matter = (low, high), r, False
    else:
        values = np.stack([scores[name].to_numpy().reshape(shape) for name in names], axis=1)
        of_permutations = mean_defined(predictivity(values))
        within = float(of_permutations.mean())
        if shape[0] > 1:
            limits = sampling.percentile_interval(of_permutations).tolist()
        else:
            limits = sampling.bootstrap_over_kinds(values[0], draws, rng.spawn(1)[0])
        matter = bool(within < low or within > high)
    found = {"r_within_kinds": within, "r_within_kinds_low": limits[0]}
    return found | {"r_within_kinds_high": limits[1], "kinds_matter": matter}


def warn_of_kinds(summary: pd.DataFrame) -> None:
    """Say in the log where r within kinds of image lies outside the interval of r."""
    rows = summary[summary["kinds_matter"] & (summary["control"] == "none")]
    for row in rows[rows["main_window"].astype(bool)].itertuples():
        _log.warning(
            f"{row.recording}, {row.model} {row.weights}, {row.mapping}: r is {row.r:.2f} "
            f"[{row.r_low:.2f}, {row.r_high:.2f}] over all images and {row.r_within_kinds:.2f} within "
            f"the {row.n_kinds} kinds of image: the contrast of kinds makes a part of the score"
        )


def image_table(labels: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """A row for each recording and image: its kind, and the image whose pixels it has (`twin_of`).

    `labels` are tables with columns image, picture and kind by recording. `twin_of` is empty for the
    first of twins and for images without one.
    """
    tables = [table.assign(recording=name) for name, table in labels.items()]
    joined = pd.concat(tables, ignore_index=True)
    twin_of = joined["picture"].where(joined["picture"] != joined["image"], "")
    return joined.assign(twin_of=twin_of)[["recording", "image", "kind", "twin_of"]]


def describe_images(table: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Add the number of a recording's images, of those that have a twin, and of kinds of image.

    `images` is an `image_table`.
    """
    grouped = images.groupby("recording", observed=True, sort=False)
    later = images[images["twin_of"] != ""].groupby("recording", observed=True)["twin_of"]
    twins = later.size() + later.nunique()  # the first ones have no entry
    counts = pd.DataFrame({"n_images": grouped.size(), "n_kinds": grouped["kind"].nunique()})
    counts.insert(1, "n_twins", twins.reindex(counts.index, fill_value=0).astype(int))
    return table.merge(counts, left_on="recording", right_index=True, how="left", validate="m:1")
