"""Captions stand in one place, and both reports can show them."""

import html
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from docutils.core import publish_parts
from jinja2 import Template

from itcortex.workflow.products import CAPTIONS, FIGURES, TITLES

RULES = Path(__file__).resolve().parents[3] / "rules"


@pytest.mark.parametrize("name", CAPTIONS)
def test_captions_are_sentences_and_titles_are_none(name):
    assert CAPTIONS[name].endswith(".") and not TITLES[name].endswith(".")


def test_snakemakes_report_shows_the_caption_files_of_a_job(tmp_path, monkeypatch):
    """As Snakemake renders `rules/report/figure.rst`, in the working directory of the run."""
    monkeypatch.chdir(tmp_path)
    outputs = ["results/my demo/figures/a.png", "results/my demo/figures/a.rst", "b.rst"]
    Path(outputs[1]).parent.mkdir(parents=True)
    Path(outputs[1]).write_text("**First.** Of net\\_ and more.\n", encoding="utf-8")
    Path("b.rst").write_text("**Second.** ρ.\n", encoding="utf-8")
    job = SimpleNamespace(output=outputs, wildcards=SimpleNamespace(experiment="demo"))
    template = Template((RULES / "report" / "figure.rst").read_text(encoding="utf-8"))
    strict = {"halt_level": 1, "report_level": 1}  # anything that docutils would remark is an error
    text = template.render(snakemake=job)
    body = publish_parts(text, writer_name="html", settings_overrides=strict)["body"]
    words = html.unescape(re.sub("<[^>]+>", "", body)).split()
    assert words == ["First.", "Of", "net_", "and", "more.", "Second.", "ρ.", "Experiment", "demo."]


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
    assert 'caption="report/figure.rst"' in output
    assert f'figures/{name}.rst",' in rules[0]
    assert f'labels={{"figure": TITLES["{name}"]}}' in output
    params = rules[0].partition("params:")[2]
    assert f'TITLES["{name}"]' in params and f'CAPTIONS["{name}"]' in params
