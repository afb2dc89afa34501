"""The figure of concepts: every concept's numbers and crops at its row."""

import numpy as np
import pandas as pd
import pytest

from itcortex.figures import captions, concepts


@pytest.fixture
def networks(rng):
    found = []
    for model, number in (("plain", 3), ("human", 2)):
        about = {"recording": "v4", "model": model, "weights": "w", "layer": "blocks.3",
                 "n_concepts": number, "r_layer": 0.5, "r_concepts": 0.41, "kept": 0.82,
                 "kept_low": 0.75, "kept_high": 0.9}  # fmt: skip
        rows = []
        for concept in range(1, number + 1):
            row = {"concept": concept}
            for k, name in enumerate(concepts.NUMBERS):
                value = 0.1 * concept + 0.01 * k
                row |= {name: value, f"{name}_low": value - 0.05, f"{name}_high": value + 0.05}
            rows.append(row)
        crops = {n: rng.integers(0, 255, (2 + n, 9, 9, 3)).astype(np.uint8)
                 for n in range(1, number + 1)}  # fmt: skip
        found.append(concepts.Network(about, pd.DataFrame(rows), crops))
    return found


def test_every_concept_has_its_numbers_and_crops(networks):
    figure = concepts.draw(networks)
    texts = [text.get_text() for text in figure.texts]
    assert "plain w" in texts and "human w" in texts
    assert "blocks.3: r = 0.50 of the layer, 0.41 of its 3 concepts" in texts
    assert "0.21\n[0.16, 0.26]" in texts  # r alone of the second concept
    assert len(figure.axes) == sum(len(c) for one in networks for c in one.examples.values())
    first = networks[0].examples[1][0]
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), first)


def test_undefined_intervals_are_not_written(networks):
    networks[0].rows["importance_low"] = np.nan
    texts = [text.get_text() for text in concepts.draw(networks[:1]).texts]
    assert "0.10" in texts and "0.20" in texts


def test_crops_are_read_by_the_number_of_their_concept():
    arrays = {"basis": np.zeros(2), "examples/1": np.zeros(3), "examples/12": np.ones(4)}
    found = concepts.examples_of(arrays)
    assert set(found) == {1, 12} and found[12].all()


def test_the_caption_says_what_concepts_keep(networks):
    said = captions.of_concepts(pd.DataFrame([one.about for one in networks]))
    assert "2 concepts keep 0.82 [0.75, 0.90] of the layer's r of 0.50" in said
