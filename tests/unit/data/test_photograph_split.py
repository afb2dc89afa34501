"""Photographs that are held out, and the maps of each condition."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import split_photographs
from itcortex import store
from itcortex.data import photograph_split
from itcortex.errors import UserError
from itcortex.training.images.parquet_shards import ParquetShard
from made.attention import photographs

NAMES = ["photographs", "ceilings", "split", "validation", "human", "of_others", "mean"]


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def known():
    """24 photographs with two kinds of maps."""
    return photographs(rng(), 24, ("eye", "mouse"))


def split(folder, known, count=10, seed=0):
    """Paths of what the rule writes."""
    rows = {"image": known.image_ids, "map_kind": "eye", "ceiling_name": "half_half"}
    ceilings = pd.DataFrame(rows).assign(attention="osie", value=np.arange(24) / 24)
    store.write_photographs(folder / "whole.parquet", known)
    store.write_table(folder / "whole_ceilings.parquet", ceilings)
    out = {name: folder / f"{name}.parquet" for name in NAMES}
    split_photographs.main(
        folder / "whole.parquet", folder / "whole_ceilings.parquet", **out,
        name="held", n_held_out=count, map_kind="mouse", seed=seed,
    )  # fmt: skip
    return out


def test_no_photograph_stands_on_both_sides(tmp_path, known):
    out = split(tmp_path, known)
    parts = pd.read_csv(out["split"]).set_index("image")["part"]
    held = store.read_photographs(out["photographs"])
    shards = {name: ParquetShard.open(out[name], tmp_path, labelled=False) for name in NAMES[3:]}
    assert set(held.image_ids) == set(parts.index[parts == "held_out"]) and len(held.jpegs) == 10
    for name in ("human", "of_others", "mean"):
        assert set(shards[name].ids) == set(parts.index[parts == "train"])
        assert not set(shards[name].ids) & set(held.image_ids) and len(shards[name].ids) == 14
    assert set(shards["validation"].ids) == set(held.image_ids)
    kept = store.read_table(out["ceilings"])
    assert set(kept["image"]) == set(held.image_ids) and set(kept["attention"]) == {"held"}
    place = known.image_ids.index(held.image_ids[0])
    np.testing.assert_array_equal(held.maps["eye"][0], known.maps["eye"][place])
    assert held.jpegs[0] == known.jpegs[place]


@pytest.mark.long
def test_the_same_seed_gives_the_same_bytes_and_another_other_photographs(tmp_path, known):
    once, again, other = (tmp_path / name for name in ("a", "b", "c"))
    for folder, seed in ((once, 0), (again, 0), (other, 1)):
        folder.mkdir()
        split(folder, known, seed=seed)
    for name in NAMES:
        same = (once / f"{name}.parquet").read_bytes() == (again / f"{name}.parquet").read_bytes()
        assert same, name
    assert pd.read_csv(once / "split.parquet").equals(pd.read_csv(again / "split.parquet"))
    assert not pd.read_csv(once / "split.parquet").equals(pd.read_csv(other / "split.parquet"))


@pytest.mark.long
def test_a_shard_holds_the_maps_of_its_condition(tmp_path, known):
    """From its lowest to its highest value in 65,535 steps: half a step from the map."""

    def scaled(one):
        return (one - one.min()) * (65535 / np.ptp(one))

    out = split(tmp_path, known)
    shards = {name: ParquetShard.open(out[name], tmp_path, labelled=False) for name in NAMES[4:]}
    own = [known.maps["mouse"][known.image_ids.index(name)] for name in shards["human"].ids]
    found = {name: [shard.read(k).human_map for k in range(14)] for name, shard in shards.items()}
    for k, expected in enumerate(own):
        np.testing.assert_allclose(found["human"][k], scaled(expected), atol=0.51)
        nearest = [np.abs(found["of_others"][k] - one).max() for one in found["human"]]
        assert min(nearest) == 0 and nearest[k] > 0
    mean = np.mean(own, axis=0)
    for one in found["mean"]:
        np.testing.assert_allclose(one, scaled(mean), atol=0.6)  # a mean in float32


def test_a_map_has_the_aspect_of_its_photograph(tmp_path, known):
    import io

    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(rng().integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(content, "JPEG")
    wide = dataclasses.replace(known, jpegs=(content.getvalue(), *known.jpegs[1:]))
    store.write_shard(tmp_path / "wide.parquet", wide, wide.maps["eye"])
    shard = ParquetShard.open(tmp_path / "wide.parquet", tmp_path, labelled=False)
    assert shard.read(0).human_map.shape == (168, 224) and (shard.labels == -1).all()


def test_a_derangement_moves_everything_and_favours_nothing():
    orders = [photograph_split.derangement(4, one) for one in rng().spawn(1800)]
    assert all(sorted(order) == [0, 1, 2, 3] and (order != np.arange(4)).all() for order in orders)
    _, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(counts) == 9 and (np.abs(counts - 200) < 60).all()  # 4.5 standard deviations
    assert photograph_split.derangement(2, rng()).tolist() == [1, 0]


def test_what_cannot_be_held_out_is_refused(known):
    flat = {kind: maps.copy() for kind, maps in known.maps.items()}
    flat["mouse"][3] = 0
    missing = {kind: maps.copy() for kind, maps in known.maps.items()}
    missing["eye"][5] = np.nan
    twice = dataclasses.replace(known, jpegs=(known.jpegs[1], *known.jpegs[1:]))
    for given, count, message in (
        (known, 9, "attention: part: held_out: photographs: 9 of the 24 in a/osie.parquet; hold out at "
                   "least 10"),
        (known, 23, "attention: part: held_out: photographs: 23 of the 24 in a/osie.parquet leave 1 to "
                    "train on"),
        (twice, 10, r"a/osie.parquet: 1002.jpg is the same photograph as 1001.jpg.*add leave_out: "
                    r"\[1002.jpg\] to the registry's entry attention: osie"),
        (dataclasses.replace(known, maps=flat), 10,
         r"a/osie.parquet: 1004.jpg: its mouse map is 0 everywhere.*\(1 such.*leave_out: \[1004.jpg\]"),
        (dataclasses.replace(known, maps=missing), 10,
         r"a/osie.parquet: 1006.jpg: its eye map has values that are not finite \(1 such"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=message):
            photograph_split.held_out(given, count, rng(), "part", "a/osie.parquet")


def test_the_rule_names_set_and_file(tmp_path, known):
    with pytest.raises(
        UserError, match="attention: held: held_out: photographs: 9 of the 24 in "
    ) as e:
        split(tmp_path, known, count=9)
    assert str(tmp_path / "whole.parquet") in str(e.value)
