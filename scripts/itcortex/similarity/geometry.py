"""Representational dissimilarity, centred kernel alignment, and what they are made of."""

import numpy as np

from itcortex.numerics.metrics import pearson, spearman, varies

BLOCK_VALUES = 2**22  # of a layer's, at a time in float64: it may have a million units an image


def rdm(patterns: np.ndarray) -> np.ndarray:
    """Representational dissimilarity matrix (sample, sample) of patterns (sample, channel).

    1 - Pearson r over channels (Kriegeskorte et al. 2008), rounded to 12 digits: equal patterns,
    which up-sampled maps have at their edges, are ties for Spearman on every machine. The
    dissimilarities of a pattern that does not vary over channels are NaN.
    """
    size = np.maximum(patterns.max(1), -patterns.min(1)).astype(np.float64)
    mean, products = patterns.mean(1, dtype=np.float64), np.zeros((len(patterns), len(patterns)))
    width = max(1, BLOCK_VALUES // len(patterns))
    for start in range(0, patterns.shape[1], width):
        centred = patterns[:, start : start + width].astype(np.float64)
        centred -= mean[:, None]
        products += centred @ centred.T
    norms = np.sqrt(np.diag(products))
    constant = norms <= 1e-10 * np.maximum(size, 1e-300) * np.sqrt(patterns.shape[1])
    norms = np.where(constant, 1.0, norms)
    distances = np.round(1 - np.clip(products / norms[:, None] / norms, -1, 1), 12)
    distances[constant] = distances[:, constant] = np.nan
    np.fill_diagonal(distances, 0)
    return distances


def compare(recorded: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Pearson r and Spearman rho of the upper triangles of two RDMs (sample, sample).

    Pairs that are undefined (NaN) in the recorded RDM are left out. Those that are undefined in the
    predicted one count as 1 (uncorrelated), so that all layers are compared on the same pairs. NaN
    if fewer than three pairs are left or the recorded RDM does not vary.
    """
    upper = np.triu_indices(len(recorded), 1)
    recorded, predicted = recorded[upper][:, None], predicted[upper][:, None]
    defined = np.isfinite(recorded[:, 0])
    if defined.sum() < 3:
        return {"r": np.nan, "rho": np.nan}
    recorded, predicted = recorded[defined], np.nan_to_num(predicted[defined], nan=1.0)
    return {
        "r": float(pearson(recorded, predicted)[0]),
        "rho": float(spearman(recorded, predicted)[0]),
    }


def centred_gram(patterns: np.ndarray) -> np.ndarray:
    """X X' (sample, sample) of patterns (sample, channel) whose columns were centred."""
    centred = patterns.astype(np.float64)
    centred = centred[:, varies(centred)]
    centred -= centred.mean(0)
    return centred @ centred.T


def debiased_gram(patterns: np.ndarray) -> np.ndarray:
    """Gram matrix (sample, sample), U-centred: its diagonal is zero and its rows sum to 0.

    The scalar product of two such matrices is n (n - 3) times the unbiased HSIC (Szekely & Rizzo
    2014; Song et al. 2012), so that their cosine is the debiased linear CKA. That one is about 0 for
    independent patterns, and possibly below it; the plain estimator (Kornblith et al. 2019), the
    cosine of two `centred_gram`, nears 1 when channels outnumber samples, whatever they are. Needs
    at least four samples.
    """
    gram = centred_gram(patterns)
    n = len(gram)
    np.fill_diagonal(gram, 0)
    rows = gram.sum(0)
    gram += rows.sum() / ((n - 1) * (n - 2)) - (rows[:, None] + rows) / (n - 2)
    np.fill_diagonal(gram, 0)
    return gram


def cosine(recorded: np.ndarray, predicted: np.ndarray) -> float:
    """Cosine of the angle between two matrices; NaN if the recorded one is 0, 0 if the other is."""
    norms = np.linalg.norm(recorded), np.linalg.norm(predicted)
    if norms[0] == 0:
        return np.nan
    return float(np.vdot(recorded, predicted) / (norms[0] * norms[1])) if norms[1] > 0 else 0.0
