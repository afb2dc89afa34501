"""Photographs without labels of which some, or all, have no human map either."""

import logging

import numpy as np
import pandas as pd
import pytest

from itcortex.errors import UserError
from itcortex.networks.network import Network
from itcortex.training.images.sources import open_samples
from itcortex.training.plan import Data, Place
from itcortex.training.train import train
from made.training import blobs, network, png
from made.trainings import plan_of

pytestmark = [pytest.mark.network, pytest.mark.process]

OWN = {"labels": "own", "label_smoothing": 0, "weight_decay": 0.0, "epochs": 1, "batch_size": 8}


def photographs(path, count, with_map=lambda _: True, seed=0) -> str:
    """A shard of photographs without labels, 101.jpg and so on; some of them with a map."""
    images, _, maps = blobs(count, seed)
    table = {
        "image_id": [f"{101 + n}.jpg" for n in range(count)],
        "image": [png(image) for image in images],
        "map": [png(np.uint8(255 * one)) if with_map(n) else None for n, one in enumerate(maps)],
    }
    pd.DataFrame(table).to_parquet(path)
    return str(path)


def run(folder, mapped, validation=(), strength=10.0, **settings):
    """A training of such photographs with the network's own labels."""
    start = Network(**network()).build(7).state_dict()
    opened = {
        name: open_samples(paths, folder / "shards", labelled=False)
        for name, paths in (("mapped", mapped), ("validation", validation))
    }
    plan = plan_of(strength=strength, start=start, **OWN | settings)
    return train(plan, Data(**opened), Place(folder / "run"))


def test_photographs_that_all_lack_maps_are_refused_by_key_and_file(tmp_path):
    path = photographs(tmp_path / "plain.parquet", 16, lambda _: False)
    with pytest.raises(UserError, match="strength: 10, but no training image has a human map") as e:
        run(tmp_path, [path])
    assert f"none of the 16 images of `mapped` ({path}) has one" in str(e.value)
    assert run(tmp_path, [path], strength=0.0).rows[0]["n_maps"] == 0  # which looks at no map


def test_photographs_of_which_some_lack_maps_train_and_the_log_says_how_many(tmp_path, caplog):
    path = photographs(tmp_path / "some.parquet", 16, lambda n: n not in (3, 9, 10))
    with caplog.at_level(logging.WARNING):
        found = run(tmp_path, [path])
    assert found.rows[0]["n_images"] == 16 and found.rows[0]["n_maps"] == 13
    (said,) = [r.getMessage() for r in caplog.records if "no human map" in r.getMessage()]
    assert said.startswith(f"mapped: 3 of 16 images have no human map, the first 104.jpg ({path})")


def test_photographs_that_all_have_maps_are_nothing_to_talk_about(tmp_path, caplog):
    path = photographs(tmp_path / "all.parquet", 16)
    with caplog.at_level(logging.WARNING):
        assert run(tmp_path, [path]).rows[0]["n_maps"] == 16
    assert "human map" not in caplog.text


def test_too_few_held_out_photographs_are_refused_with_their_file(tmp_path):
    path = photographs(tmp_path / "all.parquet", 16)
    held = photographs(tmp_path / "held.parquet", 12, lambda n: n < 9, seed=2)
    with pytest.raises(
        UserError, match=r"validation: 9 images with a human map .*at least 10"
    ) as e:
        run(tmp_path, [path], [held], kept="best_alignment")
    assert held in str(e.value)
