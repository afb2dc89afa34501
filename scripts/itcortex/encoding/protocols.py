"""Protocols: how PLS is fitted, a layer is chosen and what it predicts of held-out images.

How each protocol divides images, and its ceilings, are in modules of their own, so that a change of a
ceiling does not fit any layer anew.

corrected
    Folds; PLS on exactly resampled features; the layer of a fold is chosen on the other folds.
reference
    The authors' evaluation with its switches (see `itcortex.mappings.reference`).
brainscore
    Brain-Score's repeated splits, mapping and ceiling (see `itcortex.mappings.brainscore`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from itcortex.errors import UserError
from itcortex.mappings import brainscore, layer_scores, pls, reference, reverse, ridge, similarity
from itcortex.mappings.folds import Division, choose_layers
from itcortex.mappings.layer_scores import LayerPredictions, LayerScores
from itcortex.regression.pls import Exact, Nipals

#: Inner rules of PLS by name; the authors' tolerance is 1e-4, Brain-Score's 1e-6.
RULES = {"exact": Exact(), "nipals_1e-4": Nipals(1e-4), "nipals_1e-6": Nipals(1e-6)}

#: Mappings beside PLS: functions of maps, responses and the fold of every image.
FOLD_MAPPINGS = {
    "ridge": ridge.fit_layer,
    "rsa": similarity.fit_layer,
    "cka": similarity.fit_layer_cka,
    "reverse": reverse.fit_layer,
}
#: Those of them that compare images with each other.
GEOMETRIES = ("rsa", "cka")


@dataclass(frozen=True)
class Protocol:
    """One way to evaluate a model on a recording.

    Attributes
    ----------
    fit_pls : (maps, responses, division, n_components, rule, nested) -> LayerPredictions
    choose : (LayerScores of PLS, one for each layer) -> layer (split,)
    held_out : (LayerPredictions of the layers, chosen, division) -> array (image, y, x, site)
        Held-out predictions, each by the layer that was chosen for it.
    mappings : tuple of str
        Mappings that the protocol has.
    """

    name: str
    fit_pls: Callable[..., LayerPredictions]
    choose: Callable[[list[LayerScores]], np.ndarray]
    held_out: Callable[[list[LayerPredictions], np.ndarray, Division], np.ndarray]
    mappings: tuple[str, ...] = ("pls", *FOLD_MAPPINGS)

    def fitter(
        self, mapping: str, n_components: int, rule: str, seed: int, nested: bool = True
    ) -> Callable[[np.ndarray, np.ndarray, Division], LayerScores]:
        """The function (maps, responses, division) -> LayerScores of a mapping.

        With `nested` False PLS leaves out the fits that choose a layer, and `inner` is NaN. Raises
        `UserError` for a mapping that the protocol does not have.
        """
        if mapping not in self.mappings:
            only = " and ".join(self.mappings)
            raise UserError(
                f"encoding: mappings: protocol {self.name} has {only} only, not {mapping!r}"
            )
        if mapping == "pls":
            return partial(self.fit_pls, n_components=n_components, rule=RULES[rule], nested=nested)
        fit = FOLD_MAPPINGS[mapping]

        def fit_folds(maps, responses, division):
            more = {"rng": np.random.default_rng(seed)} if mapping == "reverse" else {}
            if mapping in GEOMETRIES:
                more = {"pictures": division.pictures}
            return fit(maps, responses, division.fold_of, kinds=division.kinds, **more)

        return fit_folds


def nested_choice(results: list[LayerScores]) -> np.ndarray:
    """Layer (split,) chosen for every split without its test images."""
    return choose_layers(np.stack([result.inner for result in results]))


def _fit_on_folds(maps, responses, division, n_components, rule, nested):
    return pls.fit_layer(
        maps, responses, division.fold_of, n_components, nested, rule, division.kinds
    )


def _fit_as_authors(maps, responses, division, n_components, rule, nested):
    """The authors' PLS, whose inner rule is its own."""
    return reference.fit_layer(
        maps, responses, division.fold_of, n_components, nested=nested, kinds=division.kinds
    )


def _fit_on_splits(maps, responses, division, n_components, rule, nested):
    return brainscore.fit_layer(
        maps, responses, division.splits, n_components, nested, rule, division.kinds
    )


def _of_folds(results, chosen, division):
    return layer_scores.chosen_predictions(results, chosen, division.tested_in)


def _of_splits(results, chosen, division):
    return brainscore.chosen_predictions(results, chosen, division.splits)


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("corrected", _fit_on_folds, nested_choice, _of_folds),
        Protocol("reference", _fit_as_authors, reference.choose_layers, _of_folds),
        Protocol("brainscore", _fit_on_splits, nested_choice, _of_splits, ("pls",)),
    )
}
