"""Tables and page of a check of the model table."""

import numpy as np
import pytest

from itcortex.workflow import checked_models
from itcortex.workflow.checked_models import CheckedModel

NETWORK = {
    "built_on": "meta", "params_m": 11.69, "outputs": 1000, "input_size": "3x224x224",
    "interpolation": "bilinear", "mean": "0.5 0.5 0.5", "std": "0.5 0.5 0.5",
    "preprocessing_from": "row",
}  # fmt: skip
LAYERS = [
    {"layer": "a", "depth": 0.25, "layout": "NCHW", "height": 16, "width": 20, "channels": 8,
     "prefix_tokens": 0, "mb_an_image": 0.01024},
    {"layer": "b", "depth": 1.0, "layout": "NCHW", "height": 8, "width": 10, "channels": 16,
     "prefix_tokens": 0, "mb_an_image": 0.00512},
]  # fmt: skip
COSTS = {"seconds_an_image": 0.117, "mb_an_image": 7.02, "memory_mb": 1974}
KNOWN = COSTS | {
    "images": 14, "disk_mb": 98.3, "minutes_extraction": 0.03, "minutes_requested": 92,
}  # fmt: skip


@pytest.fixture
def found():
    """A row that is whole, one that fails late, and one that could not be read."""
    seen = {"chelsea.png": ["tabby", "lynx"]}
    return [
        CheckedModel("net", "in1k", "m.csv: line 2", "file:a.pth", network=NETWORK, layers=LAYERS,
                     at_hand="a.pth fits", loaded=True, classes=seen, costs=KNOWN),
        CheckedModel("net", "mine", "m.csv: line 3", "file:b.pth", ["b.pth: does not fit"], ["slow"],
                     NETWORK | {"outputs": float("nan")}, LAYERS, loaded=False, costs=COSTS),
        CheckedModel("", "", "m.csv: line 4", faults=["not a number"]),
    ]  # fmt: skip


def test_the_table_has_a_row_for_every_row(found):
    table = checked_models.models_table(found).set_index("where")
    assert table["usable"].tolist() == [True, False, False]
    assert table["faults"].tolist() == ["", "b.pth: does not fit", "not a number"]
    assert table["loaded"].tolist() == ["yes", "no", "not here"]
    assert table["n_layers"].tolist() == [2, 2, 0]
    assert table.loc["m.csv: line 2", "top5"] == "chelsea.png: tabby; lynx"
    np.testing.assert_array_equal(table["disk_mb"], [98.3, np.nan, np.nan])
    np.testing.assert_array_equal(table["params_m"], [11.69, 11.69, np.nan])


def test_the_table_of_layers_is_in_order_and_there_without_layers(found):
    table = checked_models.layers_table(found)
    assert table[["weights", "layer", "height", "width", "channels"]].values.tolist() == [
        ["in1k", "a", 16, 20, 8], ["in1k", "b", 8, 10, 16],
        ["mine", "a", 16, 20, 8], ["mine", "b", 8, 10, 16],
    ]  # fmt: skip
    empty = checked_models.layers_table(found[2:])
    assert list(empty) == list(table) and empty.empty


def test_the_page_says_every_row_and_names_those_that_fail(found):
    page = checked_models.text(found)
    lines = page.splitlines()
    assert lines[1].split() == [
        "ok", "net", "in1k", "11.7", "M", "3x224x224", "2:", "16x20x8", "to", "8x10x16", "yes", "2.0",
        "GB", "98.3", "MB",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines[1:4]] == ["ok", "FAILS", "FAILS"]
    assert lines[2].endswith("7.02 MB/image")
    for words in (
        "net in1k  (m.csv: line 2)",
        "  layers   a 16x20x8, b 8x10x16",
        "  weights  file:a.pth: a.pth fits",
        "  sees     in chelsea.png: tabby, lynx",
        "no vector comes out",
        "  FAILS    b.pth: does not fit",
        "  note     slow",
        "(no name)  (m.csv: line 4)",
    ):
        assert words in page
    assert page.endswith(
        "1 of 3 rows can be used. These cannot, and a run stops at them:\n  net mine, (no name)\n"
    )
    assert max(map(len, lines)) <= 100


def test_a_long_table_is_told_in_lines_and_what_is_wrong_with_it(found):
    page = checked_models.text([found[0]] * 20 + found)
    assert page.count("ok     net") == 21
    assert "sees" not in page and "FAILS    b.pth: does not fit" in page


def test_rows_are_told_in_the_order_of_their_tables(found):
    late = CheckedModel("net", "late", "m.csv: line 10")
    told = checked_models.in_order(
        [late, found[2], CheckedModel("a", "b", "l.csv: line 30"), *found]
    )
    assert [one.where.split()[-1] for one in told] == ["30", "2", "3", "4", "4", "10"]


def test_all_is_well(found):
    assert checked_models.text(found[:1]).endswith("\n\nThe row can be used.\n")
    assert "All 2 rows of the model table can be used." in checked_models.text(found[:1] * 2)
