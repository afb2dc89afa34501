"""Files of the registry that jobs read, by their wildcards, and all that is behind the tables."""

import pathlib
from dataclasses import replace

import pytest

from itcortex.data.own.entries import register
from itcortex.workflow import local_files, provenance
from itcortex.workflow.attention_sets import AttentionSets
from itcortex.workflow.benchmark_files import BenchmarkFiles
from itcortex.workflow.data_files import DataFiles
from itcortex.workflow.local_files import digest_of
from itcortex.workflow.provenance import data_of
from made import experiments
from made.experiments import ROWS, experiment
from made.own import laboratory

SIMULATED = "results/data/arcaro2020_simulated/Arcaro2020_simulated.zip"
MONKEY = "results/data/it92_kriegeskorte2008/Kriegeskorte_Neuron2008_supplementalData.mat"
HUMAN = "results/data/it92_kriegeskorte2008/92_brainRDMs.mat"


@pytest.fixture
def real():
    """Two recordings of V4, RDMs of both species and OSIE; a network, and one of the digits study."""
    config, _ = experiments.repository()
    sets = config["attention"] | {"sets": ["osie"]}
    return experiment(
        rows=[ROWS[0], ROWS[-1]], recordings=["v4_210325", "v4_201025"],
        rdms=["it92_monkey", "it92_human"], attention=sets,
    )  # fmt: skip


# --- of a job -------------------------------------------------------------------------------------


def test_a_recording_is_read_from_its_file_and_where_it_names_no_images_from_a_table(ex, job):
    data = DataFiles(ex)
    assert data.recording_file(job(recording="sim_m1_pl")) == SIMULATED
    assert data.image_table(job(recording="sim_m1_pl")) == []
    table = data.image_table(job(recording="majajhong_it"))
    assert table == ["results/data/majajhong2015/image_dicarlo_hvm-public.csv"]
    assert data.images_shown(job(recording="sim_m1_pl")) == {
        "dataset": "arcaro2020_simulated", "file": "Arcaro2020_simulated.zip",
        "folder": "George/natural_test", "format": "zip",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("recording", "truth"),
    [
        ("sim_m1_pl", ["results/data/arcaro2020_simulated/truth.h5"]),
        ("digits_object_sites", ["results/data/digits_simulated/truth.h5"]),
        ("m1_pl", []),
    ],
)
def test_the_truth_is_known_of_what_is_simulated(ex, job, recording, truth):
    assert DataFiles(ex).truth(job(recording=recording)) == truth


def test_stimuli_and_rdms_are_read_as_the_registry_says(ex, job):
    data = DataFiles(ex)
    assert data.stimuli_file(job(stimuli="it92_images")) == MONKEY
    assert data.of_stimuli("format")(job(stimuli="it92_images")) == "kriegeskorte2008"
    assert data.of_stimuli("format")(job(stimuli="sim_m1_scenes")) == "zip"  # a default
    assert data.rdm_file(job(rdm="it92_human")) == HUMAN
    assert data.rdm_entry(job(rdm="it92_human"))["options"]["variable"] == "RDMs"


def test_a_download_says_where_it_is_and_what_it_must_be(ex, job):
    data = DataFiles(ex)
    images = job(dataset="v4_cowley2023", file="images_210325.zip")
    assert [url.rpartition("/")[2] for url in data.urls(images)] == ["images_210325.zip"]
    assert data.of_download("bytes")(images) == 1841475
    assert data.of_download("members")(images) is None
    numbered = job(dataset="clickme", file="train-3.tfrecords")
    assert [url.rpartition("/")[2] for url in data.urls(numbered)] == ["train-3.tfrecords"]


# --- of the experiment ----------------------------------------------------------------------------


def test_downloads_are_all_that_is_published_and_each_once(real):
    folder = "results/data/v4_cowley2023"
    assert DataFiles(real).downloads == [
        HUMAN,
        MONKEY,
        *(
            f"results/data/osie/{name}"
            for name in ("fixations.mat", "mouse_lab.zip", "stimuli.zip")
        ),
        *(f"{folder}/images_{session}.zip" for session in ("201025", "210325")),
        f"{folder}/responses_raw_210325.npy",
        f"{folder}/responses_repeat_averaged_201025.npy",
    ]


def test_shards_behind_a_training_are_downloads_too(ex):
    found = DataFiles(ex).downloads
    assert found == [f"results/data/clickme/train-{n}.tfrecords" for n in (0, 1)]
    assert list(DataFiles(ex).datasets) == ["arcaro2020_simulated", "clickme", "digits_simulated"]


def test_behind_tables_stand_the_arrays_of_the_study_as_well(real):
    data = DataFiles(real)
    recordings = ["v4_210325", "v4_201025", "digits_object_sites"]
    stimuli = ["digits_simulated_images", "it92_images", "v4_201025_images", "v4_210325_images"]
    assert {kind: list(some) for kind, some in data.behind_tables.items()} == {
        "recordings": recordings,
        "rdms": ["it92_monkey", "it92_human"],
        "attention": ["osie"],
        "stimuli": stimuli,
    }
    assert data.prepared_behind_tables == [
        *(f"results/recordings/{name}.h5" for name in recordings),
        *(f"results/rdms/{name}.h5" for name in ("it92_monkey", "it92_human")),
        *(f"results/stimuli/{name}.h5" for name in stimuli),
    ]
    files = data.files_behind_tables
    assert {"results/data/digits_simulated/responses.npy", HUMAN} < set(files)
    assert files == sorted(set(files))


def test_activations_behind_tables_are_of_every_network_on_what_it_was_shown(real):
    found = DataFiles(real).activations_behind_tables
    shown = ("it92_images", "v4_201025_images", "v4_210325_images")
    assert found[:3] == [f"results/activations/{stimuli}/net/in1k.json" for stimuli in shown]
    studied = "results/activations/digits_simulated_images/small/harmonized/strength-0/seed-0.json"
    assert found[3] == studied and len(found) == 3 + 6


def test_what_is_told_of_recordings(real):
    data = DataFiles(real)
    assert data.attributes["v4_210325"]["monkey"] == "PE"
    shown = [f"results/stimuli/v4_{session}_images.h5" for session in ("210325", "201025")]
    assert data.stimuli_of_recordings == shown


def test_benchmarks_are_those_of_the_experiments_names_and_networks(
    real, job, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    rules = [
        job(name="fit", benchmark="results/{experiment}/benchmarks/fit/{recording}.tsv"),
        job(name="all", benchmark=None),
    ]
    files = BenchmarkFiles(job(rules=rules), DataFiles(real))
    wildcards = job(experiment="demo")
    assert files.patterns(wildcards) == {"fit": rules[0].benchmark}
    assert files.models[0] == "net in1k" and len(files.models) == 7
    assert files.names["recording"] == ["v4_210325", "v4_201025", "digits_object_sites"]
    assert files.names["rdm"] == ["it92_monkey", "it92_human"]
    before = files.state(wildcards)
    made = tmp_path / "results/demo/benchmarks/fit/v4_210325.tsv"
    made.parent.mkdir(parents=True)
    made.write_text("s\n1\n")
    assert files.state(wildcards) != before


# --- photographs with human maps ------------------------------------------------------------------


def test_photographs_and_facts_of_a_set(real, job):
    sets, osie = AttentionSets(real), job(attention="osie")
    assert sets.photographs(osie) == sets.all_photographs == ["results/attention/osie.parquet"]
    assert sets.format(osie) == "osie"
    assert sets.viewing_files(osie) == {
        "stimuli": "results/data/osie/stimuli.zip",
        "fixations": "results/data/osie/fixations.mat",
        "mouse": "results/data/osie/mouse_lab.zip",
    }
    clickme = sets.photographs(job(attention="clickme"))
    assert clickme == [f"results/clickme/val/{n}.parquet" for n in range(17)]


def test_ceilings_are_measured_where_viewers_are_known_and_published_elsewhere():
    config, _ = experiments.repository()
    sets = AttentionSets(experiment(attention=config["attention"] | {"sets": ["clickme", "osie"]}))
    assert sets.measured_ceilings == ["results/attention/osie.ceilings.parquet"]
    assert sets.ceilings_used == {"clickme": "inter_human", "osie": "half_half"}
    assert sets.published_ceilings["osie"] == {}
    assert sets.published_ceilings["clickme"]["clicks inter_human"] == pytest.approx(
        0.6575, abs=1e-4
    )
    assert AttentionSets(experiment()).measured_ceilings == []


def test_the_first_set_is_drawn(job):
    config, _ = experiments.repository()
    sets = AttentionSets(
        experiment(
            attention=config["attention"] | {"sets": ["clickme", "osie"]},
            figures={"images": 1, "models": ["net"]},
            rows=ROWS[:3],
        )
    )
    wildcards = job(experiment="demo")
    assert sets.first_photographs(wildcards) == "results/clickme/val/0.parquet"
    assert sets.first_format(wildcards) == "clickme"
    assert sets.first_examples(wildcards) == [
        f"results/demo/attention/clickme/net/{weights}.examples.h5" for weights in ("in1k", "kept")
    ]


# --- own files ------------------------------------------------------------------------------------


@pytest.fixture
def own(ex, tmp_path, monkeypatch):
    """The experiment with a recording of one's own beside the others, and its files."""
    monkeypatch.chdir(tmp_path)
    lab = laboratory(tmp_path / "pictures")
    lab.wide().to_csv("r.csv", index=False)
    lab.wide()[["image"]].to_csv("i.csv", index=False)
    entry = {"responses": "r.csv", "stimuli": "pictures", "image_table": "i.csv"}
    registry = register(ex.registry, {"mine": entry})
    settings = ex.settings | {"recordings": ["mine", "sim_m1_pl"]}
    return replace(ex, settings=settings, registry=registry)


def test_own_files_are_read_where_they_are_and_known_by_their_content(own, job):
    data = DataFiles(own)
    shown = data.recording_entry(job(recording="mine"))["stimuli"]
    brought = {"recordings": "triplen_", "stimuli": "_images"}  # of the registry, from places
    for kind, name in (("recordings", "mine"), ("stimuli", shown)):
        assert [one for one in data.own(kind) if brought[kind] not in one] == [name]
    assert "mine" not in data.published("recordings")
    assert data.labelled_images(job(recording="mine")) == f"results/stimuli/{shown}.parquet"
    assert data.table_of_kinds(job(stimuli=shown)) == []
    before = data.digests(job(recording="mine"))
    assert before == [digest_of("r.csv"), digest_of("i.csv")]
    assert data.digests(job(stimuli=shown)) == [digest_of("pictures")]
    with pathlib.Path("r.csv").open("a") as file:
        file.write("x.png,1,2,3\n")
    assert data.digests(job(recording="mine"))[0] != before[0]


def test_own_files_are_behind_the_tables_and_no_downloads(own):
    data = DataFiles(own)
    assert not [path for path in data.downloads if "own" in path or path in ("r.csv", "pictures")]
    assert data.files_behind_tables[-3:] == ["i.csv", "pictures", "r.csv"]
    assert data.datasets["own.mine"]["citation"] == "own responses, not published"
    labels = {"recording": "mine", "model": "m", "weights": "w"}
    assert data_of(labels, data.behind_tables) == ["i.csv", "pictures", "r.csv"]
    files = provenance.Files(data.files_behind_tables)
    assert files.sha256(files.find("pictures")) == digest_of("pictures")


# --- pictures that everybody brings ---------------------------------------------------------------


@pytest.fixture
def brought(ex, tmp_path, monkeypatch):
    """The experiment on TVSD's IT of one monkey and Triple-N's, with made folders as places."""
    monkeypatch.chdir(tmp_path)
    for folder in ("things", "nsd"):
        laboratory(tmp_path / folder)
    pathlib.Path("triplen.nc").write_bytes(b"units")
    places = {"things": "things", "nsd": "nsd", "triplen": "triplen.nc"}
    settings = ex.settings | {"recordings": ["tvsd_f_it", "triplen_it"], "rdms": []}
    return replace(ex, settings=settings, registry=register(ex.registry, {}, places))


def test_a_list_says_which_pictures_of_a_large_folder_were_shown(brought, job):
    data = DataFiles(brought)
    listed = "results/data/tvsd/monkeyN_things_imgs.mat"
    assert data.list_of_images(job(stimuli="tvsd_images")) == [listed]
    assert data.list_of_images(job(stimuli="nsd_images")) == ["triplen.nc"]
    assert data.list_of_images(job(stimuli="sim_m1_scenes")) == []
    formats = [data.format_of_list(job(stimuli=f"{one}_images")) for one in ("tvsd", "nsd")]
    assert formats == ["tvsd", "netcdf"]
    monkey = "results/data/tvsd/monkeyF_THINGS_normMUA.mat"
    assert data.recording_file(job(recording="tvsd_f_it")) == monkey
    assert data.image_table(job(recording="tvsd_f_it")) == [listed.replace("N_", "F_")]
    assert {monkey, listed} <= set(data.downloads)
    assert {"things", "nsd", "triplen.nc", monkey, listed} <= set(data.files_behind_tables)
    assert {"things", "tvsd", "triplen", "nsd"} <= set(data.datasets)


def test_a_large_folder_is_known_by_names_and_sizes(brought, job, monkeypatch):
    data, shown = DataFiles(brought), job(stimuli="tvsd_images")
    monkeypatch.setattr(local_files, "sha256_of_all", lambda _: pytest.fail("it was read"))
    before = data.digests(shown)
    assert data.digests(shown) == before
    picture = pathlib.Path("things/im03.png")
    picture.write_bytes(picture.read_bytes() + b" ")
    longer = data.digests(shown)
    picture.rename("things/other.png")
    assert len({*before, *longer, *data.digests(shown)}) == 3
    assert data.digests(job(stimuli="nsd_images"))[1] == digest_of("triplen.nc")
