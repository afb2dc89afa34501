"""The registry as the workflow reads it."""

import pytest

from itcortex.data.registry import (
    check_references,
    expand_registry,
    files_of,
    require_plain,
    urls_of,
)
from itcortex.errors import UserError
from made import hostile


@pytest.fixture
def registry():
    """A registry of one dataset with numbered files, and one entry of every kind."""
    files = {
        "a.zip": {"url": "https://x.org/a.zip"},
        "val-{8..10}.bin": {"url": "https://x.org/{n}"},
    }
    use = {"dataset": "d", "file": "a.zip"}
    return {
        "datasets": {"d": {"files": files}},
        "stimuli": {"s": use},
        "recordings": {"r": use | {"stimuli": "s"}},
        "rdms": {"m": use | {"stimuli": "s"}},
        "attention": {"t": {"dataset": "d", "files": ["a.zip", "val-{8..10}.bin"]}},
    }


def test_numbered_files_are_written_out_with_their_addresses(registry):
    files = expand_registry(registry)["datasets"]["d"]["files"]
    assert list(files) == ["a.zip", "val-8.bin", "val-9.bin", "val-10.bin"]
    assert files["val-10.bin"]["url"] == ["https://x.org/10"]
    assert files["a.zip"]["url"] == "https://x.org/a.zip"


def test_sets_of_files_are_written_out(registry):
    entry = expand_registry(registry)["attention"]["t"]
    names = [file for _, file in files_of(entry)]
    assert names == ["a.zip", "val-8.bin", "val-9.bin", "val-10.bin"]


def test_one_address_or_several():
    assert urls_of({"url": "https://a"}) == ["https://a"]
    assert urls_of({"url": ["https://a", "https://b"]}) == ["https://a", "https://b"]
    assert urls_of({}) == []


def test_a_sound_registry_passes(registry):
    check_references(expand_registry(registry), "datasets.yaml")


@pytest.mark.parametrize(
    ("kind", "name", "key", "value"),
    [
        ("recordings", "r", "file", "b.zip"),
        ("recordings", "r", "stimuli", "t"),
        ("stimuli", "s", "dataset", "e"),
        ("rdms", "m", "stimuli", "t"),
        ("attention", "t", "files", ["val-11.bin"]),
    ],
)
def test_a_reference_to_nothing_is_named(registry, kind, name, key, value):
    registry[kind][name] = registry[kind][name] | {key: value}
    wrong = value[0] if isinstance(value, list) else value
    with pytest.raises(UserError, match=f"datasets.yaml: {kind}: {name}: .*{wrong}"):
        check_references(expand_registry(registry), "datasets.yaml")


@pytest.mark.parametrize("name", hostile.NAMES)
def test_a_hostile_name_that_slips_through_the_schema_is_refused(name):
    with pytest.raises(UserError, match="cannot be a name here"):
        require_plain(["resnet50", name], "models.csv: line 3")
    entry = {"datasets": {"d": {"files": {name: {}}}}, "stimuli": {}, "recordings": {}}
    with pytest.raises(UserError, match="cannot be a name here"):
        check_references(entry | {"rdms": {}, "attention": {}}, "datasets.yaml")


def test_a_newline_at_the_end_is_no_part_of_a_name():
    """Python's `$`, and so the schemas', lets one pass."""
    with pytest.raises(UserError, match="cannot be a name here"):
        require_plain(["resnet50\n"], "models.csv: line 3")


def test_names_that_are_in_use_are_plain():
    names = [
        "vit_tiny_patch16_224",
        "harmonized/strength-0.1/seed-3",
        "train-12.tfrecords",
        "a.b-c",
    ]
    assert require_plain(names, "") is None


def test_a_table_of_scores_names_files_that_are_there(registry):
    entry = {"dataset": "d", "files": ["a.zip"], "reduced": "val-8.bin", "format": "maps"}
    registry["scores"] = {"t": entry, "own": {"path": "experiments/t.csv", "format": "figure"}}
    check_references(expand_registry(registry), "datasets.yaml")
    for changed in ({"dataset": "e"}, {"files": ["b.zip"]}, {"reduced": "c.csv"}):
        registry["scores"]["t"] = entry | changed
        with pytest.raises(
            UserError, match=r"datasets.yaml: scores: t: (dataset|file): .* not exist"
        ):
            check_references(expand_registry(registry), "datasets.yaml")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"held_out": {"of": "t"}},
            "attention: part: leave_out: this set is a part of 't'.*into that",
        ),
        (
            {"format": "clickme"},
            "attention: part: leave_out: the images of ClickMe's shards have no",
        ),
    ],
)
def test_photographs_are_left_out_of_a_whole_set_with_names(registry, entry, message):
    registry["attention"]["t"] |= {"format": "osie", "leave_out": ["1.jpg"]}
    registry["scores"] = {}
    part = {"dataset": "d", "files": ["a.zip"], "format": "osie", "leave_out": []} | entry
    registry["attention"]["part"] = part
    check_references(expand_registry(registry), "r.yaml")
    part["leave_out"] = ["1.jpg"]
    with pytest.raises(UserError, match=message):
        check_references(expand_registry(registry), "r.yaml")
