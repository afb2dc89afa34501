"""Figures of divisions: what is drawn of which row, and which pictures of a part."""

import numpy as np
import pandas as pd
import pytest

from itcortex.figures import captions, divisions, generalisation


@pytest.fixture
def table(rng):
    parts = []
    for k, category in enumerate(["cnn"] * 6 + ["untrained"]):
        r = 0.3 + 0.02 * k
        for split, drop in (("image", np.nan), ("clusters-5", 0.1 + 0.01 * k)):
            score = r if split == "image" else r - drop
            parts.append(
                {
                    "recording": "v4", "area": "V4", "monkey": "PE", "simulated": False,
                    "mapping": "pls", "protocol": "corrected", "model": f"m{k}", "weights": "w",
                    "category": category, "family": f"f{k}", "top1": 0.1 if k == 6 else 60 + 3 * k,
                    "split": split, "main_split": "image", "r": score, "r_low": score - 0.02,
                    "r_high": score + 0.02, "drop": drop, "drop_low": drop - 0.03,
                    "drop_high": drop + 0.03,
                }
            )  # fmt: skip
    return pd.DataFrame(parts)


def test_every_network_stands_at_its_two_scores_and_at_its_drop(table):
    joined = generalisation.beside_main(table)
    np.testing.assert_allclose(joined["x"] - joined["r"], joined["drop"])
    figure = generalisation.draw(table, 50, np.random.default_rng(0))
    scores = next(a for a in figure.axes if a.get_xlabel() == "predictivity (r), folds: image")
    offsets = np.concatenate(
        [c.get_offsets() for c in scores.collections if len(c.get_offsets()) > 1]
    )
    expected = np.sort(joined[["x", "r"]].to_numpy(), axis=0)
    np.testing.assert_allclose(np.sort(np.asarray(offsets), axis=0), expected)
    drops = next(a for a in figure.axes if a.get_xlabel().startswith("ImageNet top-1"))
    drawn = np.concatenate([c.get_offsets() for c in drops.collections if len(c.get_offsets()) > 1])
    trained = joined[joined.category == "cnn"][["top1", "drop"]].to_numpy()
    np.testing.assert_allclose(np.sort(np.asarray(drawn), axis=0), np.sort(trained, axis=0))
    said = captions.of_generalisation(table)
    assert "v4, clusters-5" in said and "drops by 0.130 on average, from 0.100 to 0.160" in said


def test_pictures_of_a_part_go_from_its_smallest_to_its_largest_distance(rng):
    parts = pd.DataFrame({"part": ["b", "a", "b", "a", "a"], "distance": [2.0, 5.0, 1.0, 3.0, 4.0]})
    assert divisions.examples(parts, 2) == {"a": [3, 1], "b": [2, 0]}
    assert divisions.examples(parts) == {"a": [3, 4, 1], "b": [2, 0]}
    images = rng.integers(0, 255, (5, 20, 20, 3)).astype("uint8")
    figure = divisions.draw([divisions.Divided("v4, clusters-2", images, parts)])
    texts = [text.get_text() for text in figure.texts]
    assert {"a\n3", "b\n2", "v4, clusters-2"} <= set(texts)
    assert len(figure.axes) == 5
