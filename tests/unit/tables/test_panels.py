"""Titles and names that tell recordings, mappings and models apart."""

import pandas as pd

from itcortex.tables import panels
from made import tables as made_tables


def test_panels_tell_sessions_and_mappings_apart():
    sessions = made_tables.summary(recordings={"s1": ("M", "V4"), "s2": ("M", "V4")})
    shown = [panel.title for panel in panels.of_summary(sessions)]
    assert shown == ["V4, M, s1 (SIMULATED)", "V4, M, s2 (SIMULATED)"]
    demo = made_tables.summary()
    two = pd.concat([demo, demo.assign(mapping="ridge")])
    assert "PL, Monkey 1, ridge (SIMULATED)" in [p.title for p in panels.of_summary(two)]


def test_weights_are_named_where_a_model_has_several():
    models = [*made_tables.DEMO, ("resnet18", "harmonized", "harmonized", "resnet", 70.0, 0.5)]
    table = made_tables.summary(models)
    named = panels.model_names(table)
    assert set(named[table.model == "resnet18"]) == {"resnet18 untrained", "resnet18 harmonized"}
    assert set(named[table.model == "vit_tiny_patch16_224"]) == {"vit_tiny_patch16_224"}
