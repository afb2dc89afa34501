"""YAML files that are broken, endless, ambiguous or hostile are refused."""

from pathlib import Path

import pytest
import yaml

from itcortex.errors import UserError
from itcortex.workflow import model_table, schemas

SCHEMAS = Path(__file__).resolve().parents[3] / "rules" / "schemas"


def schema(name):
    return schemas.load_yaml(SCHEMAS / f"{name}.schema.yaml")


def test_files_that_are_missing_or_no_yaml(tmp_path):
    with pytest.raises(UserError, match=r"none\.csv: model table cannot be read"):
        model_table.read_models(tmp_path / "none.csv", {})
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [1, 2\nb: }")
    with pytest.raises(UserError, match=r"(?s)broken\.yaml: cannot be read as YAML.*line 2"):
        schemas.load_yaml(broken)
    broken.write_text("just text")
    with pytest.raises(UserError, match="expected a mapping"):
        schemas.load_yaml(broken)


def bomb(leaf, form):
    """Nine levels of aliases, nine in each: 400 million values in some 300 characters."""
    lines = [f"a0: &a0 {leaf}"]
    lines += [f"a{k + 1}: &a{k + 1} " + form.format(", ".join([f"*a{k}"] * 9)) for k in range(9)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        bomb("[x]", "[{}]"),
        bomb("{x: y}", "{{<<: [{}]}}"),  # merged while it is read
        "a: &a [1, *a]",
        "a: &a {b: {c: *a}}",
    ],
)
def test_aliases_that_have_no_end_are_refused_at_once(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"mine.yaml: its aliases .* more than 200,000 values"):
        schemas.load_yaml(path)


@pytest.mark.long
def test_aliases_and_deep_trees(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("a: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}\n")
    assert schemas.load_yaml(path) == {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "y": 2}}
    path.write_text("a: " + "[" * 5000)
    with pytest.raises(UserError, match="cannot be read as YAML"):
        schemas.load_yaml(path)


@pytest.mark.parametrize(
    "text", ["folds: 5\nseed: 1\nfolds: 10", "a: {b: 1, b: 1}", "a: [{b: {c: 1},\n b: 2}]"]
)
def test_a_key_that_is_given_twice_is_refused(tmp_path, text):
    """YAML would take the last without a word."""
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(
        UserError, match=r"line \d: key '(folds|b)' is given a second time \(first in"
    ):
        schemas.load_yaml(path)


def test_yaml_is_read_by_the_safe_loader(tmp_path):
    hostile = tmp_path / "hostile.yaml"
    hostile.write_text(f"a: !!python/object/apply:os.system ['touch {tmp_path}/owned']")
    with pytest.raises(UserError, match="cannot be read as YAML"):
        schemas.load_yaml(hostile)
    assert not (tmp_path / "owned").exists()
    assert yaml.safe_load("a: 1") == {"a": 1}
