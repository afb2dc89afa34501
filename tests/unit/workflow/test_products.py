"""Captions stand in one place, and both reports can show them."""

import html
import re
from pathlib import Path

import pytest
from docutils.core import publish_parts

from itcortex.workflow.products import CAPTIONS, FIGURES, TITLES

RULES = Path(__file__).resolve().parents[3] / "rules"


@pytest.mark.parametrize("name", CAPTIONS)
def test_snakemakes_report_shows_a_caption_word_by_word(name):
    strict = {"halt_level": 1, "report_level": 1}  # anything that docutils would remark is an error
    body = publish_parts(CAPTIONS[name], writer_name="html", settings_overrides=strict)["body"]
    assert html.unescape(re.sub("<[^>]+>", "", body)).split() == CAPTIONS[name].split()
    assert CAPTIONS[name].endswith(".") and not TITLES[name].endswith(".")


@pytest.mark.parametrize("name", [figure.name for figure in FIGURES])
def test_a_rule_draws_every_figure_with_its_own_caption(name):
    rules = [
        rule
        for path in RULES.glob("*.smk")
        for rule in re.split(r"^rule ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        if f"figures/{name}.png" in rule
    ]
    assert len(rules) == 1
    pattern = rf'report\(\s+"[^"]+/figures/{re.escape(name)}.png",(.*?)\n        \)'
    (output,) = re.findall(pattern, rules[0], re.DOTALL)
    assert re.search(r'caption="report/figures?\.rst"', output)
    assert f'labels={{"figure": TITLES["{name}"]}}' in output
    params = rules[0].partition("params:")[2]
    assert f'TITLES["{name}"]' in params and f'CAPTIONS["{name}"]' in params
