"""Settings and schemas that were made, or are too weak, to do harm."""

import re
from pathlib import Path

import pytest
import yaml

from itcortex.downloads import pins
from itcortex.errors import UserError
from itcortex.workflow.schemas import load_yaml
from made import hostile

pytestmark = pytest.mark.usefixtures("unharmed")

ROOT = Path(__file__).resolve().parents[3]


TAGGED = ["!!python/object/apply:os.system ['touch owned']", "!!python/name:os.system", "!x {a: 1}"]


@pytest.mark.parametrize("text", TAGGED)
def test_tags_of_python_are_refused_in_settings_and_in_the_lock(text):
    Path("a.yaml").write_text(f"a: {text}\n")
    with pytest.raises(UserError, match="cannot be read as YAML"):
        load_yaml("a.yaml")
    with pytest.raises(UserError, match="cannot be read as YAML"):
        pins.read("a.yaml")


def test_the_tag_would_run_with_the_unsafe_loader():
    yaml.unsafe_load(TAGGED[0])
    Path("owned").unlink()


@pytest.mark.parametrize("name", hostile.NAMES)
def test_no_schema_takes_a_hostile_name(name):
    schemas = ROOT / "rules" / "schemas"
    models = yaml.safe_load((schemas / "models.schema.yaml").read_text())["properties"]
    config = yaml.safe_load((schemas / "config.schema.yaml").read_text())["$defs"]
    datasets = yaml.safe_load((schemas / "datasets.schema.yaml").read_text())["$defs"]
    patterns = [models["model"], models["weights"], models["architecture"], config["name"],
                datasets["name"], datasets["file"]]  # fmt: skip
    for pattern in patterns:
        # as ECMA 262 has it, and JSON schema: `$` is the end, not the place before a last newline
        assert not re.search(pattern["pattern"].replace("$", r"\Z"), name)
