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

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from itcortex.encoding.places import HOST, Place
from itcortex.encoding.ridge_options import RIDGE, RidgeOptions
from itcortex.errors import UserError
from itcortex.mappings import (
    brainscore,
    layer_scores,
    pls,
    reference,
    reverse,
    ridge_spectral,
    similarity,
)  # fmt: skip
from itcortex.mappings import ridge as ridge_on_folds
from itcortex.mappings.divided import fit_groups
from itcortex.mappings.folds import Division, choose_layers
from itcortex.mappings.layer_scores import LayerPredictions, LayerScores
from itcortex.regression.pls import Exact, Nipals

#: Inner rules of PLS by name; the authors' tolerance is 1e-4, Brain-Score's 1e-6.
RULES = {"exact": Exact(), "nipals_1e-4": Nipals(1e-4), "nipals_1e-6": Nipals(1e-6)}

#: Mappings beside PLS: functions of maps, responses and the fold of every image.
FOLD_MAPPINGS = {
    "ridge": ridge_on_folds.fit_layer,
    "rsa": similarity.fit_layer,
    "cka": similarity.fit_layer_cka,
    "reverse": reverse.fit_layer,
}
#: Bytes of responses that a mapping gets at a time, where targets are made one by one.
_STACK_BYTES = 512 * 2**20
#: Mappings that can be fitted to principal components of the training images.
OF_COMPONENTS = ("pls", "ridge")
#: Those of them that compare images with each other.
GEOMETRIES = ("rsa", "cka")


@dataclass(frozen=True)
class Protocol:
    """One way to evaluate a model on a recording.

    Attributes
    ----------
    fit_pls : (maps, responses, division, n_components, rule, nested, place) -> LayerPredictions
    choose : (LayerScores of PLS, one for each layer) -> layer (split,)
    held_out : (LayerPredictions of the layers, chosen, division) -> array (image, y, x, site)
        Held-out predictions, each by the layer that was chosen for it.
    mappings : tuple of str
        Mappings that the protocol has.
    components : bool
        Whether `OF_COMPONENTS` can be fitted to principal components of the training images.
    on_device : bool
        Whether PLS takes its large products at a place.
    """

    name: str
    fit_pls: Callable[..., LayerPredictions]
    choose: Callable[[list[LayerScores]], np.ndarray]
    held_out: Callable[[list[LayerPredictions], np.ndarray, Division], np.ndarray]
    mappings: tuple[str, ...] = ("pls", *FOLD_MAPPINGS)
    components: bool = False
    on_device: bool = False

    def fitter(
        self,
        mapping: str,
        n_components: int,
        rule: str,
        seed: int,
        nested: bool = True,
        ridge: RidgeOptions = RIDGE,
        place: Place = HOST,
        pca: int | str | None = None,
    ) -> Callable[[np.ndarray, Sequence[np.ndarray], Division], LayerScores]:
        """The function (maps, responses, division) -> LayerScores of a mapping.

        Responses are an array (target, image, y, x, site), or make one target at a time. With `nested`
        False PLS leaves out the fits that choose a layer, and `inner` is NaN. PLS of the protocol
        corrected, and ridge regression where it leaves out images, take their large products at
        `place`. With `pca` both are fitted to principal components of the training images, in the
        protocol that has them; ridge regression then leaves out images. Raises `UserError` for a mapping
        that the protocol does not have.
        """
        if mapping not in self.mappings:
            only = " and ".join(self.mappings)
            raise UserError(
                f"encoding: mappings: protocol {self.name} has {only} only, not {mapping!r}"
            )
        if pca is not None and not (mapping in OF_COMPONENTS and self.components):
            raise UserError(
                f"reduce: kind: 'pca' is for PLS and ridge of protocol corrected, not for {mapping!r} "
                f"of {self.name}; choose another kind, or encoding: mappings: [pls], protocol: corrected"
            )
        if mapping == "pls":
            if place.device != "cpu" and not self.on_device:
                place.say_once(
                    f"encoding: device: {place.device}: without effect on PLS of protocol {self.name}, "
                    "which is fitted on the CPU"
                )
            options = {"n_components": n_components, "rule": RULES[rule], "nested": nested}
            options |= {} if pca is None else {"pca": pca}
            return _in_stacks(partial(self.fit_pls, **options, place=place))
        fit = FOLD_MAPPINGS[mapping]

        def fit_folds(maps, responses, division):
            more = {"rng": np.random.default_rng(seed)} if mapping == "reverse" else {}
            if mapping == "ridge":
                more = {"penalties": ridge.penalties}
            compares = mapping in GEOMETRIES
            return fit_groups(fit, maps, responses, division, with_pictures=compares, **more)

        on_folds = _in_stacks(fit_folds)

        def fit_ridge(maps, responses, division):
            n_responses = responses[0].size
            by_image = ridge.leaves_out_images(division.n_images, n_responses)
            if pca is None and not by_image:
                if said := ridge.unused_on_folds(place.device, division.n_images, n_responses):
                    place.say_once(said)
                return on_folds(maps, responses, division)
            fit_images = partial(
                ridge_spectral.fit_layer, maps, responses, division, ridge.penalties,
                dtype=ridge.precision, seed=seed, pca=pca,
            )  # fmt: skip
            return place.run(lambda device: fit_images(device=device))

        return fit_ridge if mapping == "ridge" else on_folds


def _in_stacks(fit: Callable[..., LayerScores]) -> Callable[..., LayerScores]:
    """A function of targets that are made one at a time, from one that takes an array of several."""

    def fit_stacks(maps, responses, division):
        if isinstance(responses, np.ndarray):
            return fit(maps, responses, division)
        size = max(1, _STACK_BYTES // responses[0].nbytes)
        stacks = [
            np.stack([responses[k] for k in range(start, min(start + size, len(responses)))])
            for start in range(0, len(responses), size)
        ]
        return layer_scores.join_targets([fit(maps, stack, division) for stack in stacks])

    return fit_stacks


def nested_choice(results: list[LayerScores]) -> np.ndarray:
    """Layer (split,) chosen for every split without its test images."""
    return choose_layers(np.stack([result.inner for result in results]))


def _fit_on_folds(maps, responses, division, n_components, rule, nested, place, pca=None):
    fit = partial(
        fit_groups, pls.fit_layer, maps, responses, division, n_components=n_components,
        nested=nested, rule=rule, pca=pca,
    )  # fmt: skip
    return place.run(lambda device: fit(device=None if device == "cpu" else device))


def _fit_as_authors(maps, responses, division, n_components, rule, nested, place):
    """The authors' PLS, whose inner rule is its own."""
    return reference.fit_layer(
        maps, responses, division.fold_of, n_components, nested=nested, kinds=division.kinds
    )


def _fit_on_splits(maps, responses, division, n_components, rule, nested, place):
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
        Protocol(
            "corrected", _fit_on_folds, nested_choice, _of_folds, components=True, on_device=True
        ),
        Protocol("reference", _fit_as_authors, reference.choose_layers, _of_folds),
        Protocol("brainscore", _fit_on_splits, nested_choice, _of_splits, ("pls",)),
    )
}
