"""Every work has its entry, and every network of the shipped tables has its works."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pandas as pd
import pytest

from itcortex.report import references

ROOT = Path(__file__).resolve().parents[3]


def test_every_work_has_an_entry_and_a_line():
    known = references.read_references()
    for key in known["works"]:
        work = references.work(key)
        assert work.bibtex.startswith("@") and work.bibtex.count("{") == work.bibtex.count("}")
        assert f"{{{key}," in work.bibtex
        assert "{" not in work.text and work.short[-4:].isdigit()
    kinds = ("datasets", "families", "architectures", "tags")
    assert {key for kind in kinds for keys in known[kind].values() for key in keys} <= known[
        "works"
    ].keys()
    eprints = [one["eprint"] for one in known["works"].values() if "eprint" in one]
    assert len(eprints) > 50
    assert all(
        re.fullmatch(r"\d{4}\.\d{5}", one) for one in eprints
    )  # texts: 1912.11370 keeps its 0


TABLES = ("paper_models", "paper_harmonized", "macaque_models", "models", "harmonized_models")
#: Families of the shipped tables of which no work is known.
WITHOUT_WORK = set()


def test_every_network_of_the_shipped_tables_has_the_work_of_its_architecture():
    tables = [pd.read_csv(ROOT / "experiments" / f"{name}.csv", dtype=str) for name in TABLES]
    rows = pd.concat(tables).fillna("")
    known = references.read_references()
    lacking = {
        row.family
        for row in rows.itertuples()
        if not references.matching(known["architectures"], row.architecture)
        and row.family not in known["families"]
    }
    assert lacking == WITHOUT_WORK
    used = rows[["architecture", "source", "family"]]
    for kind, names in (("architectures", used["architecture"]), ("tags", used["source"].str[5:])):
        for like, keys in known[kind].items():  # each pattern is of use, and no two claim a network
            own = [name for name in names if fnmatchcase(name, like)]
            assert own, like
            assert all(references.matching(known[kind], name) == keys for name in own), like
    assert set(known["families"]) <= {*used["family"], "vit", "resnet", "efficientnet"}


@pytest.mark.parametrize(
    ("architecture", "family", "tag", "keys"),
    [
        ("tf_efficientnet_b0", "efficientnet", "ns_jft_in1k", ["tan2019", "xie2020student"]),
        ("mixnet_s", "efficientnet", "ft_in1k", ["tan2019mixconv"]),
        ("resnext101_32x8d", "resnet", "fb_wsl_ig1b_ft_in1k", ["xie2017", "mahajan2018"]),
        ("resnetv2_50x1_bit", "resnetv2", "goog_in21k_ft_in1k", ["he2016identity", "kolesnikov2020"]),
        ("cspresnext50", "cspnet", "ra_in1k", ["wang2020csp"]),
    ],
)  # fmt: skip
def test_architectures_and_trainings_of_their_own_have_their_works(architecture, family, tag, keys):
    model = {"model": architecture, "architecture": architecture, "family": family}
    found = references.of_model(model | {"source": f"timm:{tag}", "category": "cnn"})
    assert [one.key for one in found] == [*keys, "wightman2019"]


def test_what_no_work_is_known_of_is_cited_by_its_own_words():
    (work,) = references.of_dataset("mine_1", {"citation": "My lab, 100 % unpublished & new"})
    assert "note = {mine\\_1: My lab, 100 \\% unpublished \\& new}" in work.bibtex
    model = {"model": "=cmd", "architecture": "", "family": "f", "category": "own"}
    assert [one.key for one in references.of_model(model | {"source": "file:/x"})] == ["model_cmd"]
