"""Methods of the report, written from the settings."""

from pathlib import Path

import yaml

from itcortex.report.methods import CEILINGS, words_of_reduction

SCHEMA = Path(__file__).resolve().parents[3] / "rules" / "schemas" / "config.schema.yaml"


def test_every_ceiling_that_settings_may_name_has_words():
    schema = yaml.safe_load(SCHEMA.read_text())
    assert set(CEILINGS) == set(schema["$defs"]["ceiling"]["enum"])


def test_what_was_done_to_units_is_told_where_it_is_not_what_is_usual():
    usual = {"kind": "pool", "dimensions": "auto", "seed": 0}
    assert words_of_reduction(**usual) == words_of_reduction(**usual | {"kind": "none"}) == []
    (told,) = words_of_reduction(**usual | {"kind": "srp", "dimensions": 500})
    assert told == "Wider layers were reduced by a sparse random projection to 500 dimensions."
    (told,) = words_of_reduction(**usual | {"kind": "pca"})
    assert "at most 1000 principal components of the training images" in told
