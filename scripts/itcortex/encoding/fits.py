"""Mappings from a layer to sites by name: what a job fits, and on which targets.

pls
    Partial least squares (the paper), on every window.
ridge
    Ridge regression with a penalty per site; main window only, as all that follow.
reverse
    The other way round: units predicted from sites.
rsa, cka
    Similarity of representations on the held-out images; nothing is fitted, and there is one number
    a fold instead of one a site.
"""

import logging
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from itcortex.data.recordings import Recording
from itcortex.encoding.targets import Target
from itcortex.errors import UserError
from itcortex.mappings import brainscore, reference, reverse, similarity
from itcortex.mappings import folds as crossval
from itcortex.mappings import pls as encoding
from itcortex.mappings.folds import choose_layers
from itcortex.mappings.pls import LayerScores
from itcortex.regression import ridge
from itcortex.regression.pls import Exact, Nipals
from itcortex.tables.summary import raw_scores

#: Name given to the only "site" of mappings that give one number a fold.
WHOLE_ARRAY = "all"


#: Inner rules of PLS by name; the authors' tolerance, and Brain-Score's.
RULES = {"exact": Exact(), "nipals_1e-4": Nipals(1e-4), "nipals_1e-6": Nipals(1e-6)}


def divide_images(
    recorded: Recording, protocol: str, folds: str | int, seed: int
) -> tuple[np.ndarray | list[brainscore.Split], list[str]]:
    """Fold of every image, or the splits of the protocol "brainscore"; and their names."""
    if protocol == "brainscore":
        splits = brainscore.draw_splits(recorded.labels(brainscore.STRATIFIED_BY))
        return splits, brainscore.split_names(splits)
    fold_of = crossval.assign_folds(recorded.image_ids, folds, np.random.default_rng(seed))
    return fold_of, crossval.fold_names(recorded.image_ids, fold_of)


def fitter(
    mapping: str, protocol: str, n_components: int, rule: str, seed: int
) -> Callable[..., LayerScores]:
    """The function (maps, responses, fold_of) -> LayerScores of a mapping.

    In the protocol "reference" PLS is the authors' (see `itcortex.mappings.reference`).
    """
    pls = partial(encoding.fit_layer, rule=RULES[rule])
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


class Fits:
    """What several mappings found in the layers of one model, layer by layer."""

    def __init__(
        self,
        kinds: list[str],
        protocol: str,
        targets: list[Target],
        n_components: int,
        rule: str,
        seed: int,
    ):
        self.protocol, self.n_components, self.layers = protocol, n_components, []
        self.fitters = {kind: fitter(kind, protocol, n_components, rule, seed) for kind in kinds}
        main = [target for target in targets if target.main]  # they come first
        self.targets = {kind: targets if kind == "pls" else main for kind in kinds}
        self.results = {kind: [] for kind in kinds}

    def add(self, layer: str, maps: np.ndarray, responses: np.ndarray, fold_of: np.ndarray) -> None:
        """Fit every mapping on one layer; `responses` (target, image, y, x, site)."""
        self.layers.append(layer)
        for kind, fit in self.fitters.items():
            found = fit(maps, responses[: len(self.targets[kind])], fold_of)
            print(f"{layer} {maps.shape[1:]} {kind}")
            if kind == "pls" and found.n_components < self.n_components:
                logging.warning(
                    "%s: numerical rank ended PLS at %d of %d components in some fold",
                    layer, found.n_components, self.n_components,
                )  # fmt: skip
            self.results[kind].append(found)

    def chosen(self, kind: str) -> np.ndarray:
        """Layer (index) chosen for every fold: nested; in the reference, best on the test images."""
        if kind == "pls" and self.protocol == "reference":
            return reference.choose_layers(self.results[kind])
        return choose_layers(np.stack([result.inner for result in self.results[kind]]))

    def table(
        self, labels: dict, depths: dict[str, float], folds: list[str], sites: tuple[str, ...]
    ) -> pd.DataFrame:
        """Raw scores of all mappings, see `itcortex.tables.summary.raw_scores`."""
        parts = []
        for kind, results in self.results.items():
            per_site = results[0].metrics["r"].shape[2] == len(sites)
            parts.append(
                raw_scores(
                    labels | {"mapping": kind}, self.targets[kind],
                    {layer: depths[layer] for layer in self.layers}, results, self.chosen(kind),
                    folds, sites if per_site else (WHOLE_ARRAY,),
                )
            )  # fmt: skip
        return pd.concat(parts, ignore_index=True)

    def main_predictions(self, fold_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Chosen layers (fold,) and held-out predictions (image, y, x, site) of the first mapping."""
        kind = next(iter(self.results))
        chosen = self.chosen(kind)
        if self.protocol == "brainscore":
            return chosen, brainscore.chosen_predictions(self.results[kind], chosen, fold_of)
        return chosen, encoding.chosen_predictions(self.results[kind], chosen, fold_of)
