"""The report in a real browser: it is explored, and no part of it leaves the file."""

import csv
import io
import os
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect, sync_playwright

from made import report as made_report
from made import tables as made_tables
from made.patience import FACTOR

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

NAMES = ("chromium", "chromium-browser", "google-chrome")
EVIL, FORMULA = "<img src=x onerror=alert(1)>", "=cmd|' /C calc'!A0"
MODELS = [
    *made_tables.DEMO,
    ("resnet_h", "harmonized", "harmonized", "resnet", 76.0, 0.66),
    (EVIL, "imagenet", "cnn", "evil", 70.0, 0.40),
    (FORMULA, "imagenet", "vit", "evil", 72.0, 0.45),
]
RECORDINGS = {"m1_pl": ("Monkey 1", "PL"), "m1_ml": ("Monkey 1", "ML")}
POINTS = len(MODELS) * len(RECORDINGS)
WATCH = """
globalThis.problems = [];
addEventListener("securitypolicyviolation", (one) => problems.push("policy: " + one.violatedDirective));
globalThis.alert = () => problems.push("alert");
"""


@pytest.fixture(scope="module")
def summary():
    """Two recordings, eight networks: one harmonized, two with names that are no names."""
    table = made_tables.summary(MODELS, RECORDINGS, starts=np.array([50.0, 90.0, 130.0]))
    return made_report.with_twin(table)


@pytest.fixture(scope="module")
def shown(summary):
    return made_report.tables(summary)


@pytest.fixture(scope="module")
def address(summary, shown, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(made_report.render(summary, shown), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium; install it: apt-get install chromium")
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=path, args=root)
        yield one
        one.close()


@pytest.fixture(scope="module")
def fresh(browser, address):
    """Opens the page in a context of its own; in the end nothing may have gone wrong in any."""
    contexts, problems = [], []

    def go(view="", at=address, **options):
        context = browser.new_context(**{"viewport": {"width": 1300, "height": 900}} | options)
        context.set_default_timeout(10_000 * FACTOR)
        context.add_init_script(WATCH)
        page = context.new_page()
        page.on("console", lambda said: problems.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on("request", lambda request: problems.append(f"request: {request.url}"))
        contexts.append(context)
        page.goto(f"{at}#{view}" if view else at)
        settle(page)
        return page

    expect.set_options(timeout=10_000 * FACTOR)
    go.problems = lambda: [
        *(one for one in problems if not re.match(r"request: (file|data|blob):", one)),
        *(
            one
            for context in contexts
            for page in context.pages
            for one in page.evaluate("problems")
        ),
    ]
    yield go
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def opened(fresh):
    """One page for all tests that do not ask for another."""
    return fresh()


@pytest.fixture
def visit(fresh, opened):
    """Brings the one page to a view, by its address; afterwards nothing may have gone wrong."""

    def go(view=""):
        opened.emulate_media(media="screen")
        opened.mouse.move(1, 1)
        opened.evaluate(
            """(view) => {
          history.replaceState(null, "", "#" + (view || "explore"));
          dispatchEvent(new HashChangeEvent("hashchange"));
        }""",
            view,
        )
        settle(opened)
        return opened

    yield go
    assert fresh.problems() == []


def settle(page):
    """Wait until the plot is drawn and the table is whole."""
    expect(page.locator("#plot")).to_have_attribute("aria-busy", "false")


def points(page):
    return page.locator("#plot .points path:visible")


def rows(page):
    return page.locator("#rows tbody tr")


def ends_of(text):
    """Both ends of an interval in brackets."""
    return [float(one) for one in re.search(r"\[(\S+), (\S+)\]", text.replace("−", "-")).groups()]


def main_rows(summary, recording="m1_pl"):
    """The summary's rows in the main window of one recording, by model."""
    kept = summary["main_window"] & (summary["control"] == "none")
    return summary[kept & (summary["recording"] == recording)].set_index("model")


def test_the_page_opens_with_a_point_and_a_row_for_every_score(opened, fresh):
    page = opened
    assert fresh.problems() == []
    assert points(page).count() == rows(page).count() == POINTS
    expect(page.locator("#count")).to_have_text(
        f"{POINTS} of {POINTS} rows, 8 of 8 networks; {POINTS} points"
    )
    assert page.locator("#plot .annotation").count() == len(RECORDINGS)


def test_hover_shows_the_scores_and_the_maps(visit, summary):
    page = visit("bars=0")
    points(page).first.hover(force=True)
    tip = page.locator("#tip")
    expect(tip).to_be_visible()
    name = tip.locator("strong").inner_text()
    row = main_rows(summary).loc[name]
    low, high = row.r_over_ceiling_low, row.r_over_ceiling_high
    assert f"{row.r_over_ceiling:.3f} [{low:.3f}, {high:.3f}]" in tip.inner_text()
    assert f"cnn, {row.family}" in tip.inner_text()
    assert tip.locator("canvas").count() == 2 * tip.locator("img").count() > 0
    page.mouse.move(5, 5)
    expect(tip).to_be_hidden()


def test_a_filter_changes_plot_table_and_count(visit):
    page = visit()
    page.get_by_label("untrained", exact=True).uncheck()
    settle(page)
    assert points(page).count() == rows(page).count() == POINTS - 4
    expect(page.locator("#count")).to_contain_text(f"12 of {POINTS} rows, 6 of 8 networks")
    page.get_by_label("m1_ml", exact=True).uncheck()
    page.locator("#find").fill("EFFICIENT lite")
    settle(page)
    assert points(page).count() == rows(page).count() == 3
    page.get_by_role("button", name="Clear all filters").click()
    settle(page)
    assert points(page).count() == POINTS


def test_two_recordings_can_be_set_against_each_other(visit, summary):
    page = visit()
    place = "pls/leave_one_image_out"
    page.locator("#axis-x").select_option(f"r@m1_pl/{place}")
    page.locator("#axis-y").select_option(f"r@m1_ml/{place}")
    settle(page)
    assert points(page).count() == rows(page).count() == len(MODELS)
    row = page.locator("#rows tbody tr", has_text="resnet18").inner_text()
    for recording in RECORDINGS:
        assert f"{main_rows(summary, recording).loc['resnet18'].r:.3f}" in row


def test_a_long_table_grows_as_it_is_read(fresh, tmp_path):
    """Of 150 rows 60 are there; at the end of them come more, and on paper all."""
    many = [(f"net_{n:03d}", "imagenet", "cnn", f"f{n // 4}", 60 + n / 10, 0.4) for n in range(150)]
    table = made_tables.summary(many, {"m1_pl": ("Monkey 1", "PL")}, starts=np.array([50.0, 90.0]))
    path = tmp_path / "report.html"
    path.write_text(made_report.render(table, made_report.tables(table, draws=2)), encoding="utf-8")
    page = fresh("sort=model", at=path.as_uri())
    expect(page.locator("#count")).to_contain_text("150 of 150 rows")
    assert points(page).count() == 150
    assert page.locator("#rows").get_attribute("aria-rowcount") == "151"  # with the heads
    assert rows(page).count() == 60
    rows(page).nth(59).scroll_into_view_if_needed()
    expect(rows(page).nth(119)).to_be_attached()
    assert rows(page).count() == 120
    page.locator("#find").fill("net_14")
    settle(page)
    assert rows(page).count() == points(page).count() == 10
    page.locator("#find").fill("")
    settle(page)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert rows(page).locator("th").all_inner_texts() == [name for name, *_ in many]
    assert saved(page, "CSV of these rows").count("\r\n") == 151
    assert fresh.problems() == []


def test_highlight_marks_rows_and_leaves_the_count(visit):
    page = visit()
    page.locator("#mark").fill("lite[01]$")
    settle(page)
    assert page.locator("#rows tr.marked").count() == 4
    assert points(page).count() == POINTS
    page.locator("#mark").fill("lite[")  # no regular expression: taken letter by letter
    assert page.locator("#rows tr.marked").count() == 0


def test_sorting_orders_the_table_and_is_kept(visit, summary):
    page = visit("recording=m1_pl&sort=-r")
    names = page.locator("#rows tbody th").all_inner_texts()
    expected = main_rows(summary).sort_values("r", ascending=False).index
    assert names == list(expected)
    page.locator("#rows thead").get_by_role("button", name="network").click()
    assert page.locator("#rows thead th").first.get_attribute("aria-sort") == "ascending"
    settle(page)
    assert "sort=model" in page.url


def test_a_press_on_a_point_opens_the_page_of_its_network(visit):
    page = visit("bars=0")
    points(page).first.click(force=True)
    dialog = page.locator("#model")
    expect(dialog).to_be_visible()
    name = dialog.locator("h2").inner_text()
    assert f"model={name}" in page.url
    for part in ("Scores in the main window", "Layers:", "Time course", "Maps per image, m1_pl",
                 "Noise ceilings"):  # fmt: skip
        expect(dialog).to_contain_text(part)
    expect(
        dialog.locator(".js-line").nth(3)
    ).to_be_attached()  # layers and courses of two recordings
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert "model=" not in page.url


def test_a_pair_shows_the_difference_of_the_tables(visit, summary):
    page = visit()
    chosen = [page.locator(f"#{name} option:checked").inner_text() for name in ("first", "second")]
    assert chosen == ["resnet_h", "tf_efficientnet_lite1"]  # the harmonized one and its baseline
    table = page.locator("#differences")
    for recording in RECORDINGS:
        real = main_rows(summary, recording)
        difference = real.loc[chosen[0]].r - real.loc[chosen[1]].r
        row = table.locator("tr", has_text="predictivity (Pearson r)").nth(
            [*RECORDINGS].index(recording)
        )
        told = row.locator("td").nth(3).inner_text()
        assert told.startswith(f"{difference:.3f} [")
        low, high = (
            float(one) for one in re.search(r"\[(\S+), (\S+)\]", told.replace("−", "-")).groups()
        )
        assert low < high
    page.get_by_role("button", name="Exchange").click()
    assert "pair=" in page.url
    assert row.locator("td").nth(3).inner_text().startswith(f"−{difference:.3f} [")


def test_without_a_table_the_interval_of_a_pair_is_that_of_its_folds(
    fresh, shown, summary, tmp_path
):
    """Against a bootstrap of the same folds by numpy; both are within what 1,000 draws leave open."""
    path = tmp_path / "report.html"
    unpaired = shown | {"model_pairs": shown["model_pairs"].iloc[:0]}
    path.write_text(made_report.render(summary, unpaired), encoding="utf-8")
    page = fresh(at=path.as_uri())
    row = page.locator("#differences tr", has_text="predictivity (Pearson r)").first
    assert row.locator("td").nth(4).inner_text() == "folds, drawn in pairs"
    ends = ends_of(row.locator("td").nth(3).inner_text())
    scores = shown["scores"]
    kept = scores[scores["chosen"] & (scores["control"] == "none")]
    kept = kept[kept["recording"] == "m1_pl"].astype({"fold": str})
    r = kept.pivot(index="fold", columns="model", values="r")
    differences = (r["resnet_h"] - r["tf_efficientnet_lite1"]).to_numpy()
    means = np.random.default_rng(0).choice(differences, (20_000, len(differences))).mean(1)
    # the standard error of a percentile of 1,000 draws is about .1 of the draws' deviation
    expected = np.percentile(means, [2.5, 97.5])
    np.testing.assert_allclose(ends, expected, atol=0.4 * means.std() + 1e-3)
    assert fresh.problems() == []


def test_the_address_restores_the_view(visit, fresh):
    page = visit()
    page.get_by_label("untrained", exact=True).uncheck()
    page.locator("#axis-y").select_option("r")
    page.locator("#family").select_option("efficientnet")
    page.locator("#mark").fill("lite0")
    settle(page)
    view = page.url.partition("#")[2]
    before = rows(page).all_inner_texts()
    other = fresh(f"{view}&model=resnet18%20untrained")
    expect(other.locator("#model h2")).to_have_text("resnet18")
    assert other.locator("#axis-y").input_value() == "r"
    assert other.locator("#family").input_value() == "efficientnet"
    assert not other.get_by_label("untrained", exact=True).is_checked()
    assert rows(other).all_inner_texts() == before
    assert other.locator("#rows tr.marked").count() == 2


def test_what_an_address_names_in_vain_is_told(visit):
    page = visit("x=nonsense&model=nobody&recording=m1_pl,atlantis")
    expect(page.locator("#notice")).to_contain_text("measure nonsense")
    expect(page.locator("#notice")).to_contain_text("atlantis")
    assert rows(page).count() == len(MODELS)


def saved(page, name):
    """The text of the file that a button gives."""
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    with open(download.value.path(), encoding="utf-8", newline="") as file:  # noqa: PTH123
        return file.read()


def test_csv_holds_exactly_the_visible_rows(visit, summary):
    page = visit("recording=m1_ml&family=evil&sort=r")
    text = saved(page, "CSV of these rows")
    table = list(csv.DictReader(io.StringIO(text)))
    real = main_rows(summary, "m1_ml")
    expected = real[real["family"] == "evil"].sort_values("r")
    assert [row["model"] for row in table] == [
        {FORMULA: f"'{FORMULA}"}.get(name, name) for name in expected.index
    ]
    for column in ("r", "r_low", "r_high", "r_over_ceiling", "top1"):
        found = [float(row[column]) for row in table]
        np.testing.assert_allclose(found, expected[column], rtol=1e-4)
    assert pd.read_csv(io.StringIO(text)).shape[0] == rows(page).count() == 2


def test_bibtex_and_svg_are_of_what_is_shown(visit):
    page = visit("family=efficientnet")
    bibtex = saved(page, "BibTeX of their data and models")
    assert "{tan2019," in bibtex and "{arcaro2020," in bibtex and "{linsley2023," in bibtex
    assert "{he2016," not in bibtex  # no ResNet is shown
    svg = saved(page, "SVG of the plot")
    assert svg.startswith("<svg") and svg.count("<path") > points(page).count() == 6
    assert "{wold2001," in saved(page, "BibTeX of the bibliography")


def test_names_that_look_like_markup_are_text(visit):
    page = visit("model=" + EVIL.replace("<", "%3C").replace("=", "%3D") + "%20imagenet")
    expect(page.locator("#model h2")).to_have_text(EVIL)
    page.keyboard.press("Escape")
    page.locator("#rows").get_by_role("button", name=EVIL).first.hover()
    expect(page.locator("#tip strong")).to_have_text(EVIL)
    assert page.locator("#rows").get_by_role("button", name=FORMULA, exact=True).count() == 2
    assert page.locator("img[src=x]").count() == 0


def test_tab_reaches_everything(visit):
    page = visit("recording=m1_pl&category=vit")
    wanted = page.evaluate("""() => {
      const all = document.querySelectorAll("a[href], button, select, input, summary, [tabindex='0']");
      const seen = [...all].filter((one) => one.checkVisibility({ contentVisibilityAuto: false }));
      seen.forEach((one, number) => { one.dataset.stop = number; });
      return seen.length;
    }""")
    reached = set()
    page.evaluate("document.activeElement.blur()")
    for _ in range(wanted + 2):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.dataset.stop ?? null"))
    assert {str(number) for number in range(wanted)} <= reached
    assert wanted > 60


def test_the_keyboard_opens_a_network_and_comes_back(visit):
    page = visit()
    name = page.locator("#rows tbody button").first
    name.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#model")).to_be_visible()
    assert page.evaluate("document.activeElement.textContent") == "Close"
    page.keyboard.press("Enter")
    expect(page.locator("#model")).to_be_hidden()
    assert name.evaluate("(one) => one === document.activeElement")


def test_narrow_and_dark_pages_fit(fresh):
    page = fresh(viewport={"width": 400, "height": 800}, color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    ink = page.evaluate("getComputedStyle(document.querySelector('#plot .xtick text')).fill")
    assert min(int(part) for part in re.findall(r"\d+", ink)[:3]) > 150
    assert points(page).count() == POINTS
    assert fresh.problems() == []


def test_paper_has_the_tables_and_no_controls(visit):
    page = visit()
    page.emulate_media(media="print")
    expect(page.locator("#controls")).to_be_hidden()
    expect(page.locator("body > nav")).to_be_hidden()
    expect(page.locator("#rows")).to_be_visible()
    expect(page.locator("table.sortable").first).to_be_visible()
