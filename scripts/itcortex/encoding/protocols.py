"""How images are divided and layers are fitted, by the name of the protocol."""

from collections.abc import Callable
from functools import partial

import numpy as np

from itcortex.data.recordings import Recording
from itcortex.errors import UserError
from itcortex.mappings import brainscore, reference, reverse, ridge, similarity
from itcortex.mappings.folds import assign_folds, fold_names
from itcortex.mappings.layer_scores import LayerScores
from itcortex.mappings.pls import fit_layer
from itcortex.regression.pls import Exact, Nipals

#: Inner rules of PLS by name; the authors' tolerance, and Brain-Score's.
RULES = {"exact": Exact(), "nipals_1e-4": Nipals(1e-4), "nipals_1e-6": Nipals(1e-6)}


def divide_images(
    recorded: Recording, protocol: str, folds: str | int, seed: int
) -> tuple[np.ndarray | list[brainscore.Split], list[str]]:
    """Fold of every image, or the splits of the protocol "brainscore"; and their names."""
    if protocol == "brainscore":
        splits = brainscore.draw_splits(recorded.labels(brainscore.STRATIFIED_BY))
        return splits, brainscore.split_names(splits)
    fold_of = assign_folds(recorded.image_ids, folds, np.random.default_rng(seed))
    return fold_of, fold_names(recorded.image_ids, fold_of)


def fitter(
    mapping: str, protocol: str, n_components: int, rule: str, seed: int
) -> Callable[..., LayerScores]:
    """The function (maps, responses, fold_of) -> LayerScores of a mapping.

    In the protocol "reference" PLS is the authors' (see `itcortex.mappings.reference`).
    """
    pls = partial(fit_layer, rule=RULES[rule])
    if protocol == "reference":
        pls = reference.fit_layer
    if protocol == "brainscore":
        pls = partial(brainscore.fit_layer, rule=RULES[rule])
        if mapping != "pls":
            raise UserError(
                f"encoding: mappings: protocol brainscore has pls only, not {mapping!r}"
            )
    known = {
        "pls": partial(pls, n_components=n_components),
        "ridge": ridge.fit_layer,
        "rsa": similarity.fit_layer,
        "cka": similarity.fit_layer_cka,
        "reverse": lambda *data: reverse.fit_layer(*data, rng=np.random.default_rng(seed)),
    }
    return known[mapping]
