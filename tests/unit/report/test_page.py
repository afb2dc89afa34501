"""The report is one whole page: everything in it, nothing loaded, nothing that runs off."""

import base64
import io
import json
import re
from collections import OrderedDict
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.offline
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import render_report
from itcortex import store
from itcortex.errors import UserError
from itcortex.figures import style
from itcortex.report import claims, findings
from itcortex.report import page as report_page
from itcortex.report.sections import SECTIONS
from itcortex.tables import panels
from itcortex.tables.numbers import number
from itcortex.workflow import fingerprint
from made import conditions as made_conditions
from made import report as made_report
from made import tables as made_tables
from made.report import tables

STATISTICS = OrderedDict(score="r_over_ceiling", draws=20)  # a workflow's configuration may be one
SETTINGS = made_report.settings(statistics=STATISTICS)
FIGURES = {"tradeoff": "A cloud", "maps": "Two maps", "other": "Something else"}
PLOTLY = "globalThis.Plotly = {};"
FINGERPRINTS = {"fit_encoding": "0123456789abcdef"}
CAPTION = "What it shows (ρ)."
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Collects tags, checks that they nest, and keeps the texts of tables."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.tables, self.sortable = [], [], [], []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        """Keep the tag; open it unless it has no end."""
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
            self.sortable += [self.tables[-1]] * (dict(attrs).get("class") == "sortable")
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        """Every tag closes the one that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Keep texts, those of cells by themselves."""
        if not {"script", "style"} & set(self.open):
            self.text += data
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data


def draw(folder, name, title, caption=CAPTION):
    """A small figure with its title and caption, as a PNG file."""
    path = folder / f"{name}.png"
    style.save(
        style.new_figure(1, 1),
        path.with_suffix(".pdf"),
        path,
        path.with_suffix(".rst"),
        title,
        caption,
    )
    return path


def render(folder, summary, settings=SETTINGS, fingerprints=None, caption=CAPTION, **changed):
    """The page, by the script, and the page taken apart."""
    paths = {}
    for name, table in tables(summary).items():
        paths[name] = folder / f"{name}.parquet"
        store.write_table(paths[name], table)
    figures = [draw(folder, name, title, caption) for name, title in FIGURES.items()]
    (folder / "provenance.json").write_text("{}")
    about = made_report.run(summary)
    files = ("recordings", "stimuli", "predictions", "recording_names", "checks", "check_figures",
             "conditions")  # fmt: skip
    recorded = {name: [] for name in files}
    render_report.main(
        **paths, rsa=[], attention=[], shortcut=[], unique_variance=[], concepts=[],
        concept_encoding=[], recording_pairs=[], shared_images=[], figures=figures, photographs=[],
        examples=[], photograph_sets=[], provenance=folder / "provenance.json",
        report=folder / "report.html", experiment="demo", settings=settings,
        registry=about.registry, datasets=about.datasets,
        fingerprints=fingerprints or {}, **recorded | changed,
    )  # fmt: skip
    html = (folder / "report.html").read_text(encoding="utf-8")
    return html, taken_apart(html)


def taken_apart(html):
    """A page's tags, tables and text."""
    page = Page()
    page.feed(html)
    assert page.open == []
    return page


@pytest.fixture(autouse=True)
def short_plotly(monkeypatch):
    """Five megabytes of plotly are of no interest here; `test_browser.py` runs the whole of it."""
    monkeypatch.setattr(report_page, "get_plotlyjs", lambda: PLOTLY)


def test_of_plotlys_kinds_of_traces_none_but_scatter_is_set_up(monkeypatch):
    whole = plotly.offline.get_plotlyjs()
    monkeypatch.setattr(report_page, "get_plotlyjs", lambda: whole)
    shown = report_page.scatter_plotly()
    assert ".register([])" in shown and ".register([])" not in whole
    assert 100 < len(whole) - len(shown) < 2000  # the calls of some fifty kinds
    start = next(k for k, (a, b) in enumerate(zip(whole, shown, strict=False)) if a != b)
    assert shown == whole[:start] + whole[start + len(whole) - len(shown) :]
    monkeypatch.setattr(report_page, "get_plotlyjs", lambda: "r.register(all)")  # another version
    assert report_page.scatter_plotly() == "r.register(all)"


@pytest.fixture(scope="module")
def demo():
    """The demo's summary, all of it simulated."""
    return made_tables.summary()


@pytest.fixture(scope="module")
def rendered(demo, tmp_path_factory):
    """The demo's page and the folder that it was made in."""
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_page, "get_plotlyjs", lambda: PLOTLY)
        return (*render(folder, demo, fingerprints=FINGERPRINTS), folder)


@pytest.fixture(scope="module")
def one(demo):
    """The demo's summary of a single recording, whose page takes a third of the time."""
    return demo[demo.recording == "m1_pl"]


@pytest.fixture(scope="module")
def of_one(one):
    """Its tables, made once."""
    return tables(one)


@pytest.fixture
def shown(of_one):
    """A copy of them that a test may change."""
    return {name: table.copy() for name, table in of_one.items()}


def test_page_is_self_contained(rendered):
    html, page, _ = rendered
    assert html.startswith("<!DOCTYPE html>")
    loading = [
        attributes[name]
        for tag, attributes in page.tags
        for name in ("src", "href", "srcset", "data", "poster")
        if name in attributes
    ]
    assert all(value.startswith(("data:image/png;base64,", "#")) for value in loading)
    assert not re.search(r"https?://|@import|url\(", html)
    assert {tag for tag, _ in page.tags}.isdisjoint({"link", "iframe", "object", "embed"})


def test_no_script_runs_but_those_whose_digests_the_policy_names(rendered):
    html = rendered[0]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    parts = dict(part.strip().split(" ", 1) for part in unescape(policy).split(";"))
    assert parts["default-src"] == "'none'" and parts["img-src"] == "data:"
    assert "unsafe" not in parts["script-src"] and "connect-src" not in parts
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digests = [base64.b64encode(sha256(script.encode()).digest()).decode() for script in scripts]
    assert parts["script-src"].split() == [f"'sha256-{digest}'" for digest in digests]
    assert scripts[0] == PLOTLY


def test_every_file_of_the_page_makes_a_page_anew():
    """Editing a style, a script, a template or the list of works re-renders the report."""
    folder = Path(report_page.__file__).parent
    files = [path for path in folder.rglob("*") if path.suffix in {".js", ".css", ".html", ".yaml"}]
    assert len(files) > 30
    code = fingerprint.Code(fingerprint.SCRIPTS)
    counted = {
        line.split()[0]
        for file, used in code.reached("render_report.py").items()
        for line in code.data_of(file, used)
    }
    assert {path.relative_to(fingerprint.SCRIPTS).as_posix() for path in files} <= counted


def test_sections_stand_in_the_order_of_the_data(rendered):
    page = rendered[1]
    names = [section.name for section in SECTIONS if not section.needs]
    assert [a["id"] for t, a in page.tags if t == "section"] == names
    links = [a["href"] for t, a in page.tags if t == "a"]
    assert links[1:] == [f"#{name}" for name in names]


def test_every_dataset_stands_there_with_its_licence_and_citation(rendered):
    page = rendered[1]
    row = ("arcaro2020", "none", "Arcaro 2020")
    assert all(text in page.text for text in row)
    assert 'aria-label="Licences of the data"' in rendered[0]


def test_a_large_figure_is_packed_and_looks_the_same(tmp_path):
    side = 600
    y, x = np.mgrid[:side, :side] / side
    noise = np.random.default_rng(0).normal(0, 6, (side, side, 3))
    shades = 255 * np.stack([x, y, 1 - x], 2) + noise
    image, texts = Image.fromarray(np.clip(shades, 0, 255).astype(np.uint8)), PngInfo()
    texts.add_text("Title", "Maps")
    texts.add_text("Description", "Of photographs.")
    image.save(tmp_path / "maps.png", pnginfo=texts)
    assert (tmp_path / "maps.png").stat().st_size > report_page.LARGE_BYTES
    found = report_page.embed(tmp_path / "maps.png")
    head, _, data = found["uri"].partition("base64,")
    assert (head, found["title"]) == ("data:image/webp;", "Maps")
    content = base64.b64decode(data)
    assert len(content) < report_page.LARGE_BYTES / 2
    shown = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), float)
    assert np.abs(shown - np.asarray(image)).mean() < 6  # of 255; mostly the noise


def test_figures_are_embedded_whole_with_the_captions_that_they_hold(rendered):
    _, page, folder = rendered
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == 3
    for image, (name, title) in zip(images, FIGURES.items(), strict=True):
        drawn = (folder / f"{name}.png").read_bytes()
        assert base64.b64decode(image["src"].split(",")[1]) == drawn
        assert image["alt"] == f"{title}. {CAPTION}"
    assert page.text.count(CAPTION) == 3
    assert "Something else" in page.text


def test_every_model_and_statistic_has_a_row(rendered, demo):
    page = rendered[1]
    by_size = [(len(table) - 1, table[0][0]) for table in page.sortable]
    # models on three recordings; ceilings; statistics of all and per category,
    # and with covariates held fixed; alignment and orientation
    assert by_size == [
        (5, "model"), (5, "model"), (5, "model"), (6, "recording"), (18, "recording"),
        (18, "recording"), (18, "recording"), (15, "recording"), (3, "recording"),
    ]  # fmt: skip
    first = page.sortable[0]
    rows = demo[(demo.recording == "m1_pl") & demo.main_window]
    best = rows[rows.control == "none"].sort_values("r", ascending=False).iloc[0]
    control = rows[(rows.control != "none") & (rows.model == best.model)].r.item()
    assert first[1] == [
        best.model, best.weights, "cnn", f"{best.top1:.1f}",
        f"{best.r:.2f} [{best.r_low:.2f}, {best.r_high:.2f}]", "0.70",
        f"{best.r_over_ceiling:.2f} "
        f"[{best.r_over_ceiling_low:.2f}, {best.r_over_ceiling_high:.2f}]",
        "blocks.6", "0.010", number(control),
    ]  # fmt: skip
    assert page.sortable[4][1][-1] == "3 models, 5 are needed"


def test_tables_can_be_read_by_machine_and_by_ear(rendered):
    html, page, _ = rendered
    assert html.count('class="sortable"') == 9
    assert len(page.tables) == [t for t, _ in page.tags].count("caption")
    heads = [a["scope"] for t, a in page.tags if t == "th"]
    assert set(heads) == {"col", "row", "rowgroup"}
    assert [t for t, _ in page.tags].count("h1") == 1
    assert ("html", {"lang": "en"}) in page.tags
    ids = {a["id"] for _, a in page.tags if "id" in a}
    links = [a["href"][1:] for t, a in page.tags if t == "a"]
    assert links and set(links) <= ids


@pytest.mark.long
def test_simulated_recordings_get_a_banner_and_real_ones_none(rendered, demo, one):
    page = rendered[1]
    assert "No neuron was recorded for this run." in page.text
    assert "The responses of m1_pl, m1_ml, m2_ml were computed from a known layer" in page.text
    mixed = demo[demo.recording != "m2_ml"]
    mixed = mixed.assign(simulated=mixed.recording == "m1_pl")
    page = taken_apart(made_report.render(mixed))
    assert "Some recordings of this run are simulated." in page.text
    assert "The responses of m1_pl were computed" in page.text
    page = taken_apart(made_report.render(one.assign(simulated=False)))
    assert "simulated" not in page.text.lower()


@pytest.mark.long
def test_same_tables_give_the_same_bytes(rendered, demo, tmp_path):
    assert render(tmp_path, demo, fingerprints=FINGERPRINTS)[0] == rendered[0]


def test_hostile_names_are_text(one, tmp_path):
    evil = '<script>alert("x")</script><img src=x onerror=y>'
    wrong = one.replace({"model": {"resnet18": evil}, "area": {"PL": evil}})
    html, page = render(
        tmp_path, wrong, made_report.settings(experiment=evil), {evil: "ab12"}, caption=evil
    )
    assert [t for t, _ in page.tags].count("script") == 3  # the data, plotly, the page's own
    assert [t for t, _ in page.tags].count("img") == 3
    assert evil not in html
    assert evil in page.text
    assert evil in [row[0] for row in page.sortable[0]]


def test_settings_versions_and_fingerprints_are_shown(rendered):
    page = rendered[1]
    assert "statistics:\n  score: r_over_ceiling\n  draws: 20" in page.text
    assert f"numpy\xa0{np.__version__}" in page.text
    assert ["fit_encoding", "0123456789abcdef"] in page.tables[-1]


def test_missing_numbers_are_dashes_and_sort_last(one, tmp_path):
    columns = ["r_over_ceiling", "r_over_ceiling_low", "r_over_ceiling_high", "ceiling"]
    holed = one.assign(**dict.fromkeys(columns, np.nan), ceiling_name=None)
    _, page = render(tmp_path, holed)
    assert page.sortable[0][1][5:7] == ["–", "–"]
    assert "There is no noise ceiling to compare this with." in page.text
    keys = [a.get("data-key") for t, a in page.tags if t == "td"]
    assert "nan" not in keys


def test_recordings_without_grid_and_time_are_described(demo, tmp_path):
    still = demo[demo.main_window & (demo.recording == "m1_pl")]
    still = still.assign(window_start=np.nan, window_stop=np.nan)
    shown = tables(still)
    shown["alignment"] = shown["alignment"].iloc[:0]
    shown["orientation"] = shown["orientation"].iloc[:0]
    shown["ceilings"] = made_tables.ceilings(demo[demo.recording == "m1_pl"]).assign(
        window_start=np.nan, window_stop=np.nan
    )
    page = taken_apart(made_report.render(still, shown))
    assert "main window (no time axis)" in page.text
    assert "there are no maps to compare" in page.text
    assert [row[2] for row in page.sortable[1][1:]] == ["(no time axis)"] * 2


def test_a_figure_that_is_no_image_or_has_no_caption_is_an_error(tmp_path):
    (tmp_path / "maps.png").write_text("<svg/>")
    with pytest.raises(UserError, match=r"maps.png: not a PNG image with Title"):
        report_page.embed(tmp_path / "maps.png")
    whole = draw(tmp_path, "whole", "A title")
    (tmp_path / "maps.png").write_bytes(whole.read_bytes()[:200])
    with pytest.raises(UserError, match=r"maps.png: not a PNG image with Title"):
        report_page.embed(tmp_path / "maps.png")
    with pytest.raises(UserError, match=r"bare.png: not a PNG image with Title.*draws it again"):
        report_page.embed(draw(tmp_path, "bare", ""))


# --- sentences ------------------------------------------------------------------------------------


def test_few_models_cannot_test_the_tradeoff_and_the_page_says_so(demo):
    short = findings.in_short(demo, tables(demo)["tradeoff"])
    assert short == [
        "PL, Monkey 1 (SIMULATED); ML, Monkey 1 (SIMULATED); ML, Monkey 2 (SIMULATED): the "
        "trade-off cannot be tested in this run (3 models, 5 are needed)."
    ]


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.4, -0.1, "more accurate networks predict worse."),
        (0.1, 0.4, "more accurate networks predict better."),
        (-0.4, 0.02, "the interval includes zero, so neither a fall nor a rise is shown."),
        (np.nan, np.nan, "whether this differs from chance cannot be said."),
    ],
)
def test_sentences_say_no_more_than_the_interval(demo, low, high, said):
    one = demo[demo.recording == "m1_pl"]
    row = {"value": -0.21, "low": low, "high": high, "n_models": 86, "n_families": 20, "note": ""}
    table = pd.DataFrame(
        [{"recording": "m1_pl", "mapping": "pls", "protocol": "leave_one_image_out",
          "score": "r_over_ceiling", "statistic": "spearman", "group": "all", **row}]
    )  # fmt: skip
    (sentence,) = findings.in_short(one, table)
    assert "Spearman ρ = −0.21" in sentence
    assert sentence.endswith(said)
    (sentence,) = findings.in_short(one, table.assign(n_families=3))
    assert said in sentence
    assert sentence.endswith("the interval is a rough guide and too narrow.") == np.isfinite(low)


def test_sentences_name_best_untrained_and_control(demo):
    (panel, *_) = panels.of_summary(demo)
    found = findings.sentences(panel, demo, tables(demo)["tradeoff"])
    rows = demo[(demo.recording == "m1_pl") & demo.main_window]
    best = rows[rows.control == "none"].sort_values("r").iloc[-1]
    assert found[0].startswith(
        f"Of 3 trained networks {best.model} predicts best: r = {best.r:.2f} (95 % CI "
    )
    assert found[0].endswith(
        f"which is {100 * best.r_over_ceiling:.0f} % of the noise ceiling (split half bound: 0.70)."
    )
    assert found[1].endswith("all 3 trained networks score above it.")
    assert found[2].startswith("With the images shuffled, scores lie between ")
    assert "raised r by 0.010 on average" in found[3]
    assert len(found) == 4  # no slopes of three models


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"ceiling_name": "population", "n_sites": 5},
            r"\. The noise ceiling \(population\) is .*, but it is no upper bound: it is what the other "
            r"sites .* can score more\. The array has 5 sites only\.$",
        ),
        (
            {"ceiling_name": "split_half"},
            r"it is a reliability; a perfect model reaches its square",
        ),
        (
            {"ceiling_name": "split_half_bound", "ceiling": 0.19, "r_over_ceiling": 5.08},
            r"is estimated at 0\.19, which is below the score: it bounds nothing here\.$",
        ),
    ],
)
def test_a_ceiling_that_bounds_nothing_gives_no_percentage(demo, changes, said):
    """Five sites: the first finding read "508 % of the noise ceiling"."""
    (panel, *_) = panels.of_summary(demo)
    first = findings.sentences(panel, demo.assign(**changes), tables(demo)["tradeoff"])[0]
    assert "%" not in first.replace("95 % CI", "")
    assert re.search(said, first)


def test_networks_without_accuracy_stay_in_tables_and_are_listed(rendered, demo):
    two = demo[demo.recording != "m2_ml"]
    shown = tables(two.assign(top1=two.top1.mask(two.model == "tf_efficientnet_lite1")))
    html = made_report.render(shown["summary"], shown)
    assert "in no\ntrend: tf_efficientnet_lite1 imagenet." in html
    assert html.count('<th scope="row" data-key="tf_efficientnet_lite1">') == 2
    assert "in no\ntrend" not in rendered[0]


def summary_of(models, **changed):
    """A summary of two recordings of two windows."""
    recordings = {"m1_pl": ("Monkey 1", "PL"), "m2_ml": ("Monkey 2", "ML")}
    table = made_tables.summary(models, recordings, starts=np.array([50.0, 90.0]))
    return table.assign(**changed)


ALONE = ("resnet_h", "harmonized", "harmonized", "resnet", 76.0, 0.66)
ODD = {
    "one network": (made_tables.DEMO[:1], {}),
    "two networks": (made_tables.DEMO[:2], {}),
    "untrained networks alone": (made_tables.DEMO[3:], {}),
    "harmonized without its baseline": ([ALONE, *made_tables.DEMO[:3]], {}),
    "no accuracy": (made_tables.DEMO, {"top1": np.nan}),
    "no scores": (made_tables.DEMO, {"r": np.nan, "r_over_ceiling": np.nan}),
    "ties": (made_tables.DEMO, {"top1": 75.0, "r": 0.5, "r_over_ceiling": 0.6}),
}


@pytest.mark.long
@pytest.mark.parametrize(("models", "changed"), ODD.values(), ids=ODD)
def test_odd_runs_have_a_page_that_claims_nothing(models, changed):
    html = made_report.render(summary := summary_of(models, **changed), tables(summary, draws=2))
    page = taken_apart(html)
    shown = json.loads(re.search(r'id="payload">(.*?)</script>', html, re.DOTALL)[1])
    assert [one["model"] for one in shown["models"]] == [name for name, *_ in models]
    assert all(one["baseline"] is None for one in shown["models"])
    assert not re.search(r"more accurate networks predict (worse|better)", page.text)
    assert not re.search(r"\bnan\b", page.text, re.IGNORECASE)


def test_slopes_are_told_with_their_intervals(rng):
    summary = made_tables.summary(made_tables.paper_models(rng), {"m1_pl": ("M", "PL")})
    table = tables(summary)["tradeoff"]
    (panel,) = panels.of_summary(summary)
    found = findings.sentences(panel, summary, table)[4:]
    one = table[(table.statistic == "frontier_slope") & (table.group == "all")].iloc[0]
    assert len(found) == 3
    assert found[2] == (
        "The upper frontier, which cannot rise past its peak, changes by "
        f"{number(one.value, 4)} per percentage point of accuracy (95 % CI "
        f"{number(one.low, 4)} to {number(one.high, 4)})."
    )


def test_models_without_weights_are_named_at_the_head_of_the_page(rendered, one, shown):
    assert "Models without scores" not in rendered[0]
    shown["models"].loc[0, "missing"] = "the hub knows no such file"
    html = made_report.render(one, shown)
    assert "Models without scores" in html
    assert "the hub knows no such file" in html


def test_rsa_attention_and_digits_have_their_tables_where_the_experiment_has_them(
    rendered, one, shown
):
    sections = ["rsa", "attention", "shortcut"]
    assert not any(f'id="{name}"' in rendered[0] for name in sections)
    added = {name: getattr(made_tables, name)() for name in sections}
    html = made_report.render(one, shown | added)
    assert 'id="rsa"' in html and "0.42 [0.38, 0.47]" in html
    assert 'id="attention"' in html and "centre bias" in html and "0.11 [0.08, 0.14]" in html
    assert 'id="shortcut"' in html and "harmonization" in html.lower() and "0.83" in html


@pytest.mark.long
def test_what_human_maps_change_is_told_either_way(rendered, one, shown):
    assert 'id="conditions"' not in rendered[0]
    targets = ("m1_pl", "m1_ml")
    for effects, said in (
        (
            {"human": 0.1},
            "human maps raise it beyond strength 0 and beyond both kinds of other maps",
        ),
        (
            dict.fromkeys(("human", "of_others", "mean"), 0.1),
            "all maps raise it (no change that human maps explain)",
        ),
    ):
        table = made_conditions.table(effects, np.random.default_rng(3), targets=targets)
        html = unescape(made_report.render(one, shown | {"conditions": table}))
        assert (
            'id="conditions"' in html
            and "Human maps (strength 1) change predictivity of m1_pl (r) by +0." in html
        )
        assert html.count(f"{said}.</li>") >= 2
        claimed = claims.of_run(one, shown["tradeoff"], shown["harmonized"], table)
        ours = [one for one in claimed if one.claim.startswith("Human maps change")]
        assert [one.where for one in ours] == [
            f"{target} (strength 1), against {control}" for target in targets
            for control in ("maps of other photographs", "the mean map")
        ]  # fmt: skip
        assert all(one.note.startswith(said) and " to " in one.limits for one in ours)


def test_an_interval_that_is_missing_is_not_told():
    assert findings.interval(np.nan, 1.0) == ""


def test_a_turned_grid_is_warned_of_at_the_head_of_the_page(rendered, one, shown):
    assert "Is the grid the right way round?" not in rendered[0]
    turned = shown["orientation"]
    worse = (turned.recording == "m1_pl") & (turned.orientation == "as configured")
    shown["orientation"] = turned.assign(r=turned.r.where(~worse, 0.01))
    html = made_report.render(one, shown)
    assert "Is the grid the right way round?" in html
    assert "m1_pl: r is 0.01 as configured" in html
    assert "if flipped vertically" in html


def test_a_grid_that_no_orientation_of_which_is_predicted_is_warned_of(demo):
    orientation = tables(demo)["orientation"]
    assert findings.turned_grids(orientation) == []
    low = orientation.assign(r=orientation.r.where(orientation.recording != "m1_ml", 0.04))
    (warning,) = findings.turned_grids(low)
    assert warning == (
        "m1_ml: no model predicts any orientation of the grid well (r is at most 0.04)"
    )


def test_what_was_found_in_a_recording_before_any_run_has_a_section(one, tmp_path):
    facts = {
        "n_images": 30, "n_pictures": 29, "n_not_shown": 2, "n_sites": 12, "grid": [4, 5], "time": None,
        "repeats": {"fewest": 2, "median": 4, "most": 5}, "twins": [["a.png", "b.png"]], "kinds": {},
        "split": {"train": 20, "test": 10}, "left_out": {"sites": 3}, "unit": "spikes/s",
        "median_reliability": 0.7, "ceilings": {"population": 0.5, "truth": None},
        "orientation": {"as configured": 0.2, "transposed": 0.1}, "recommended_folds": 10,
        "recommended_ceiling": "population",
    }  # fmt: skip
    problems = [{"what": "the <b>grid</b>", "remedy": "turn it", "stops": True}]
    check = {"recording": "mine", "facts": facts, "problems": problems}
    (tmp_path / "mine.json").write_text(json.dumps(check))
    drawn = draw(tmp_path, "check", "A recording")
    html, page = render(tmp_path, one, checks=[tmp_path / "mine.json"], check_figures=[drawn])
    assert "Stops a run: the <b>grid</b>: turn it." in page.text
    assert "the &lt;b&gt;grid" in html
    cells = {row[0]: row[1] for table in page.tables for row in table if len(row) == 2}
    assert cells["images"] == "30 (29 different pictures)"
    assert cells["repeats"] == "2 to 5, median 4"
    assert cells["left out"] == "3 sites that the entry does not select"
    assert cells["split"] == "20 train, 10 test"
    assert cells["noise ceilings"] == "population 0.50"
    assert cells["grid predicted by pixels"] == "best as configured (r = 0.20)"
    assert base64.b64encode(drawn.read_bytes()).decode() in html
