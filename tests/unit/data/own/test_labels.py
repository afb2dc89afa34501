"""What a file says of images is kept under names of its own."""

import numpy as np
import pandas as pd
import pytest

from itcortex.data.own.forms import read_own
from itcortex.data.own.labels import labels_of_images, stated_reliability
from itcortex.errors import UserError

NAMES = [f"im{k}.png" for k in range(6)]


def shown(**columns) -> pd.DataFrame:
    return pd.DataFrame({"image": NAMES, **columns})


def test_labels_are_the_columns_that_are_asked_for():
    table = shown(
        session=[20210325] * 3 + [20210326] * 3, part=["train", "test"] * 3, kind=["a"] * 6
    )
    entry = {"labels": ["session"], "split": "part"}
    found = labels_of_images(
        table.loc[[0, 1, 2, 3, 4, 5, 0]], np.array([0, 1, 2, 3, 4, 5, 0]), entry, "x"
    )
    assert found == {"session": [20210325] * 3 + [20210326] * 3, "split": ["train", "test"] * 3}


@pytest.mark.parametrize(
    ("label", "remedy"),
    [
        ("picture", "follows from the pictures"),
        ("kind", "`kinds:` of an entry of `stimuli:`"),
        ("split", "the entry's key `split`"),
    ],
)
def test_labels_of_the_workflow_are_not_replaced(tmp_path, label, remedy):
    """Twins of a user's column `picture` would be kept together, and others told apart."""
    table = shown(u0=range(6), u1=[3, 1, 4, 1, 5, 9]).assign(**{label: list("aabbcc")})
    table.to_csv(tmp_path / "r.csv", index=False)
    with pytest.raises(UserError, match=f"labels: '{label}' is a label .*{remedy}.*another name"):
        read_own(tmp_path / "r.csv", {"labels": [label]}, NAMES, {})
    renamed = table.rename(columns={label: "scene"})
    renamed.to_csv(tmp_path / "r.csv", index=False)
    recording = read_own(tmp_path / "r.csv", {"labels": ["scene"]}, NAMES, {})
    assert recording.labels("scene") == tuple("aabbcc")
    assert recording.pictures == recording.image_ids


def test_a_reliability_is_a_correlation():
    sites = pd.DataFrame({"site": ["a", "b"], "r": [0.5, -1.0], "other": [0.5, 1.5]})
    assert stated_reliability(sites, 1, "r", "x") == {"site_labels": {"reliability": [0.5, -1.0]}}
    assert stated_reliability(sites, 1, None, "x") == {}
    with pytest.raises(UserError, match=r"'other' is no correlation for 1 sites: \['b'\]"):
        stated_reliability(sites, 1, "other", "x")
