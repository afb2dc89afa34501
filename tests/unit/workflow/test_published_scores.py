"""Which files of published scores a job reads, and what it is told of them."""

import pytest

from itcortex.downloads.fetch import MIRROR
from itcortex.workflow.published_scores import PublishedScores
from made import experiments

PUBLIC = "results/data/published/brainscore_web_2021_scores.json"
REDUCED = "results/data/published/brainscore_web_2021_scores.csv"


def scores(*tables, ours=None) -> PublishedScores:
    """The published scores of an experiment that names some tables."""
    config, _ = experiments.repository()
    published = config["published"] | {"tables": list(tables), "ours": ours or {}}
    return PublishedScores(experiments.experiment(published=published))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder, and no mirror."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(MIRROR, raising=False)
    return tmp_path


def write(path):
    """An empty file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_files_and_formats_follow_the_order_of_the_settings():
    found = scores("conwell_2024", "linsley_2023_figure3", "brainscore_2021")
    nsd = ["deepnsd_results_summary.csv", "deepnsd_imagenet1k.csv"]
    downloads = [f"results/data/published/{name}" for name in nsd]
    assert found.files == [*downloads, "experiments/paper_figure3.csv", PUBLIC]
    assert found.downloads == [*downloads, PUBLIC]
    assert found.tables == [
        {"source": "conwell_2024", "format": "deepnsd", "files": 2},
        {"source": "linsley_2023_figure3", "format": "figure", "files": 1},
        {"source": "brainscore_2021", "format": "brainscore_web", "files": 1},
    ]
    assert found.labels["conwell_2024"] == "Conwell et al. 2024"
    assert [set(one) for one in found.bibliography] == [{"label", "citation", "licence"}] * 3


def test_a_mirror_with_the_reduced_form_alone_gives_that(folder, monkeypatch):
    monkeypatch.setenv(MIRROR, str(folder / "mirror"))
    assert scores("brainscore_2021").files == [PUBLIC]
    write(folder / "mirror" / "published" / "brainscore_web_2021_scores.csv")
    assert scores("brainscore_2021").files == [REDUCED]
    write(folder / "mirror" / "published" / "brainscore_web_2021_scores.json")
    assert scores("brainscore_2021").files == [PUBLIC]


def test_what_is_here_already_is_used_whatever_a_mirror_has(folder, monkeypatch):
    monkeypatch.setenv(MIRROR, str(folder / "mirror"))
    write(folder / "mirror" / "published" / "brainscore_web_2021_scores.csv")
    write(folder / PUBLIC)
    assert scores("brainscore_2021").files == [PUBLIC]


def test_an_address_as_mirror_is_asked_for_the_published_file(monkeypatch):
    monkeypatch.setenv(MIRROR, "https://example.org/mirror")
    assert scores("brainscore_2021").files == [PUBLIC]


def test_our_experiments_are_lines_once_they_have_run(folder):
    named = {"ran": "results/ran/tables/summary.parquet", "not yet": "results/no/summary.parquet"}
    write(folder / named["ran"])
    found = scores("cornet_2019", ours=named)
    assert found.ours == {"ran": named["ran"]}
    assert found.labels == {"cornet_2019": "CORnet-S 2019", "ran": "ran"}


def test_the_origin_of_every_line_is_its_files_and_its_licence(folder):
    named = {"ran": "results/ran/tables/summary.parquet"}
    write(folder / named["ran"])
    write(folder / "results/ran/tables/attention.parquet")
    found = scores("linsley_2023_figure3", "cornet_2019", ours=named).origins
    assert list(found) == ["linsley_2023_figure3", "cornet_2019", "ran"]
    assert found["cornet_2019"]["files"] == ["results/data/published/neurips2019_data.csv"]
    assert "never redistributed" in found["cornet_2019"]["licence"]
    assert found["ran"]["files"] == [named["ran"], "results/ran/tables/attention.parquet"]
    assert scores(ours=named).origins == {}  # without tables nothing is made of ours


def test_every_registered_table_has_a_reader():
    from itcortex.data.published.scores.readers import READERS

    _, registry = experiments.repository()
    assert {entry["format"] for entry in registry["scores"].values()} == set(READERS)


def test_every_downloaded_table_is_pinned_by_its_digest():
    _, registry = experiments.repository()
    assert all("sha256" in file for file in registry["datasets"]["published"]["files"].values())


def test_tables_without_a_licence_are_never_redistributed():
    _, registry = experiments.repository()
    without = [e["licence"] for e in registry["scores"].values() if "none stated" in e["licence"]]
    assert len(without) == 3
    assert all("never redistributed" in licence for licence in without)
