"""Defaults of settings stand in their schema, and reach whatever is left out."""

import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from itcortex.workflow.defaults import with_defaults
from itcortex.workflow.schemas import load_yaml

REPOSITORY = Path(__file__).resolve().parents[3]
SCHEMAS = sorted((REPOSITORY / "rules" / "schemas").glob("*.yaml"))
SCHEMA = {
    "$defs": {"one": {"properties": {"n": {"default": 3}, "list": {"default": []}}}},
    "properties": {
        "many": {"additionalProperties": {"$ref": "#/$defs/one"}},
        "single": {"$ref": "#/$defs/one"},
        "given": {"default": 1},
        "free": {"type": "object"},
    },
}


def test_what_is_left_out_is_filled_in_and_what_is_given_is_kept():
    given = {"many": {"a": {}, "b": {"n": 0, "other": {"n": None}}}, "single": {}, "given": None}
    assert with_defaults(given, SCHEMA) == {
        "many": {"a": {"n": 3, "list": []}, "b": {"n": 0, "list": [], "other": {"n": None}}},
        "single": {"n": 3, "list": []},
        "given": None,
    }
    assert with_defaults({"free": {"x": {"y": 1}}}, SCHEMA) == {"free": {"x": {"y": 1}}, "given": 1}


def test_nothing_is_shared_with_what_was_given():
    given = {"single": {"n": 1}}
    filled = with_defaults(given, SCHEMA)
    filled["single"]["list"].append(1)
    filled["single"]["n"] = 2
    assert given == {"single": {"n": 1}}
    assert with_defaults(given, SCHEMA)["single"]["list"] == []


def subschemas(schema):
    """Every mapping in a schema."""
    yield schema
    for value in schema.values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                yield from subschemas(one)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_every_default_is_valid(path):
    schema = load_yaml(path)
    for one in subschemas(schema):
        if {"default", "description"} <= one.keys():
            validator = Draft202012Validator(one | {"$defs": schema.get("$defs", {})})
            assert validator.is_valid(one["default"]), one


def test_a_training_that_says_the_least_has_all_settings():
    schema = load_yaml(REPOSITORY / "rules" / "schemas" / "config.schema.yaml")
    least = {name: [] for name in ("labelled", "mapped", "validation")} | {"recipe": {}}
    filled = with_defaults({"training": {"t": least}}, schema)["training"]["t"]
    assert filled == least | {
        "classes": "", "condition": "human", "start": None, "recipes": {}, "gpu_model": "a100",
        "processes": 1, "workers": 0, "checkpoint_steps": 1000, "tensorboard": False,
    }  # fmt: skip


def test_rules_hide_no_default_and_no_logic():
    for path in [REPOSITORY / "Snakefile", *REPOSITORY.glob("rules/*.smk")]:
        found = re.findall(r"\blambda\b|\.get\(|\bdef ", path.read_text())
        assert not found, path
