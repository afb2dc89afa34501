"""What a model could reach at best with recorded RDMs, and what other brains reach.

ceiling_lower, ceiling_upper
    Noise ceiling over subjects (Nili et al., PLoS Comput Biol 2014): the mean over subjects of
    Spearman's rho between a subject's RDM and the mean of the *other* subjects' ranks (below what
    the true model would reach, because few subjects are averaged), and the same with the mean over
    *all* subjects (above it, because the subject is part of the mean). RDMs of one subject, or of a
    group that was averaged before it was published, have none.
session_reliability
    Mean over subjects and pairs of sessions of rho between two sessions of one subject.
other_rdm
    Score of another recording's mean RDM, as if it were a layer. Context, not a ceiling: another
    species, method and area boundary, and noise of its own.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from itcortex.data.rdms import Rdms
from itcortex.numerics.ranks import rankdata
from itcortex.numerics.sampling import percentile_interval
from itcortex.similarity.comparison import bootstrap_images, weighted_spearman

COLUMNS = ["rdm", "quantity", "other", "rho", "rho_low", "rho_high", "n_subjects"]


def subject_ceilings(recorded: np.ndarray, images: np.ndarray) -> dict[str, np.ndarray]:
    """Lower and upper noise ceiling (draw,) of RDMs (subject, pair) under weights (draw, image).

    The means of ranks are those of the whole set in every draw. Needs at least two subjects.
    """
    ranks = rankdata(recorded, axis=1)
    subjects = range(len(recorded))
    others = [(ranks.sum(0) - ranks[k]) / (len(ranks) - 1) for k in subjects]
    models = {"ceiling_lower": others, "ceiling_upper": [ranks.mean(0)] * len(recorded)}
    return {
        name: np.mean(
            [weighted_spearman(recorded[[k]], model[k][None], images)[:, 0] for k in subjects],
            axis=0,
        )
        for name, model in models.items()
    }


def session_reliability(rdms: Rdms, images: np.ndarray) -> np.ndarray | None:
    """Rho (draw,) between two sessions of a subject, on average; None without a second session."""
    by_subject = []
    for subject in dict.fromkeys(rdms.subjects):
        rows = rdms.values[[name == subject for name in rdms.subjects]]
        pairs = [
            weighted_spearman(rows[[i]], rows[[j]], images)[:, 0]
            for i, j in combinations(range(len(rows)), 2)
        ]
        if pairs:
            by_subject.append(np.mean(pairs, axis=0))
    return np.mean(by_subject, axis=0) if by_subject else None


def ceilings_table(
    rdms: dict[str, Rdms], draws: int, rng: np.random.Generator, level: float = 0.95
) -> pd.DataFrame:
    """All ceilings and references of several RDMs, one row each, with intervals over images.

    RDMs of the same images are compared with each other; others have no pairs of images in common.
    Subjects are not resampled, because they are few.
    """
    rows = []
    for name, rdm_set in rdms.items():
        names, recorded = rdm_set.by_subject()
        images = bootstrap_images(len(rdm_set.image_ids), draws, rng)
        images = np.vstack([np.ones(len(rdm_set.image_ids)), images])
        rho = {}
        if len(names) > 1:
            rho = {(key, ""): x for key, x in subject_ceilings(recorded, images).items()}
        sessions = session_reliability(rdm_set, images)
        if sessions is not None:
            rho["session_reliability", ""] = sessions
        for other, model in rdms.items():
            if other != name and set(model.image_ids) == set(rdm_set.image_ids):
                mean = model.of_images(rdm_set.image_ids).by_subject()[1].mean(0)
                rho["other_rdm", other] = weighted_spearman(recorded, mean[None], images)[:, 0]
        for (quantity, other), values in rho.items():
            low, high = percentile_interval(values[1:], level)
            rows.append((name, quantity, other, values[0], low, high, len(names)))
    return pd.DataFrame(rows, columns=COLUMNS)


def describe_rdms(table: pd.DataFrame, rdms: dict[str, Rdms]) -> pd.DataFrame:
    """Add species, area, measure and `simulated` of every set of RDMs to a table with a column rdm."""
    attributes = pd.DataFrame.from_dict(
        {name: rdm_set.attributes for name, rdm_set in rdms.items()}, orient="index"
    )
    attributes = (
        attributes[["species", "area", "measure", "simulated"]].rename_axis("rdm").reset_index()
    )
    return table.merge(attributes, on="rdm", how="left", validate="m:1")
