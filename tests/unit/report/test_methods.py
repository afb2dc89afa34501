"""Methods of the report, written from the settings."""

from pathlib import Path

import yaml

from itcortex.report.methods import CEILINGS

SCHEMA = Path(__file__).resolve().parents[3] / "rules" / "schemas" / "config.schema.yaml"


def test_every_ceiling_that_settings_may_name_has_words():
    schema = yaml.safe_load(SCHEMA.read_text())
    assert set(CEILINGS) == set(schema["$defs"]["ceiling"]["enum"])
