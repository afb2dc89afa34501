"""What an experiment knows of its networks, tables and figures, and tells its jobs."""

import dataclasses

import pytest

from itcortex.errors import UserError
from itcortex.running import status
from itcortex.workflow import paths
from itcortex.workflow.analysis import Analysis
from itcortex.workflow.experiment import Experiment
from itcortex.workflow.fingerprint import fingerprint
from itcortex.workflow.training_jobs import TrainingJobs
from made import experiments
from made.experiments import REPOSITORY, ROWS, experiment
from made.own import laboratory

NET = {"model": "net", "weights": "in1k"}
DIGITS = {"model": "small", "weights": "harmonized/strength-1/seed-1"}
TRAINED = [("net", f"harmonized/strength-{strength}/seed-0") for strength in (0, 2)]
STUDIED = [
    ("small", f"harmonized/strength-{strength}/seed-{seed}")
    for strength in ("0", "0.3", "1")
    for seed in (0, 1)
]
FETCHED = [("net", "in1k"), ("big", "mine"), ("net", "kept")]


def test_networks_are_fetched_or_trained_and_scored_or_studied(ex):
    assert ex.fetched.index.tolist() == FETCHED
    assert ex.trained.index.tolist() == TRAINED + STUDIED
    assert ex.studied.index.tolist() == STUDIED
    assert ex.scored.index.tolist() == FETCHED + TRAINED


def test_what_is_missing_is_neither_trained_nor_scored_but_told():
    reason = "no images at data/train; put them there"
    ex = experiment(missing=dict.fromkeys(TRAINED, reason) | {("big", "mine"): "gone"})
    assert ex.trained.index.tolist() == STUDIED
    assert ex.scored.index.tolist() == [("net", "in1k"), ("net", "kept")]
    told = {(row["model"], row["weights"]): row["missing"] for row in ex.all_models}
    assert (
        told[TRAINED[0]] == reason and told["big", "mine"] == "gone" and told["net", "in1k"] == ""
    )
    names = ", ".join(" ".join(key) for key in TRAINED)
    assert ex.left_out == [f"left out: {names}: {reason}", "left out: big mine: gone"]
    read = status.left_out("\n".join(ex.left_out))  # `make status` reads the log
    assert read == {names: reason, "big mine": "gone"}


def test_tables_and_figures_exist_where_there_is_something_in_them():
    config, _ = experiments.repository()
    bare = experiment(rows=ROWS[:3], rdms=[])
    answers = ["tradeoff", "tradeoff_ranges", "tradeoff_families", "tradeoff_partial",
               "ceiling_effects", "recording_pairs", "shared_images", "site_counts", "model_pairs",
               "harmonized", "network_site_counts", "multiverse", "multiverse_influence"]  # fmt: skip
    always = ["scores", "summary", "models", "alignment", "ceilings", "orientation", "images",
              "kinds", *answers]  # fmt: skip
    assert bare.tables == always
    assert bare.figures == [
        "tradeoff", "recordings", "alignment", "layers", "recording_pairs", "site_counts",
        "network_site_counts", "maps", "timecourse",
    ]  # fmt: skip
    readable = [name for name in answers if name not in ("model_pairs", "network_site_counts")]
    assert bare.readable_tables == ["summary", "models", "images", "kinds", *readable]
    sets = config["attention"] | {"sets": ["osie"]}
    full = experiment(rdms=["it92_human"], attention=sets)
    unique = ["unique_variance", "unique_variance_sites"]  # of harmonized networks
    assert full.tables == [
        *always,
        *unique,
        "conditions",
        "condition_seeds",
        "rsa",
        "rsa_ceilings",
        "attention",
        "shortcut",
    ]
    more = [unique[0], "conditions", "rsa", "attention", "shortcut"]
    assert full.readable_tables == [*bare.readable_tables, *more]
    assert full.figures[9:] == [
        "unique_variance", "conditions", "changes", "conditions_gallery", "rsa", "attention", "people",
        "shortcut",
        "training_net", "training_small",
    ]  # fmt: skip
    assert [path.rpartition("/")[2] for path in full.pages] == [
        "summary.txt", "report.html", "provenance.json"
    ]  # fmt: skip
    assert full.table_if_any("rsa") == "results/{experiment}/tables/rsa.parquet"
    assert bare.table_if_any("rsa") == []
    single = experiment(rows=ROWS[:3], rdms=[], recordings=bare.recordings[:1])
    assert not {"recording_pairs", "shared_images", "site_counts"} & {
        *single.tables,
        *single.figures,
    }


def test_concepts_are_of_named_networks_on_all_or_named_recordings(job):
    settings = experiments.schema("config")["properties"]["concepts"]["properties"]
    defaults = {name: one["default"] for name, one in settings.items()}
    off = experiment()
    assert off.concepts == {} and "concepts" not in off.tables
    names = ["net in1k", "net harmonized/strength-2/seed-0", "big mine"]
    ex = experiment(missing={("big", "mine"): "gone"}, concepts=defaults | {"models": names})
    keys = [("net", "in1k"), ("net", "harmonized/strength-2/seed-0")]
    assert ex.concepts == dict.fromkeys(ex.recordings, keys)
    assert {"concepts", "concept_encoding"} <= {*ex.readable_tables}
    figures = [name for name in ex.figures if name.startswith("concepts")]
    assert figures == [f"concepts_{name}" for name in ex.recordings]
    one = experiment(concepts=defaults | {"models": names[:1], "recordings": ["sim_m2_ml"]})
    assert [name for name in one.figures if "concepts" in name] == ["concepts_sim_m2_ml"]
    analysis = Analysis(one)
    assert analysis.of_concepts(paths.CONCEPTS) == ["results/demo/concepts/sim_m2_ml/net/in1k.h5"]
    assert analysis.concepts_shown(job(recording="sim_m1_pl")) == []
    assert not {"models", "recordings"} & {*analysis.concepts} and analysis.concepts["number"] == 10


def test_networks_of_one_model_and_seed_are_shown_by_condition(job):
    control = experiments.IMAGENET | {"condition": "mean", "strengths": [2], "seeds": [3, 4]}
    human = experiments.IMAGENET | {"condition": "human", "seeds": [3, 4]}
    rows = [
        ROWS[0],
        ("net", "human", "trained:human", "cnn", "net", "", 5.0, 224),
        ("net", "centre", "trained:control", "cnn", "net", "", 5.0, 224),
        ("big", "mine", "file:big.pt", "vit", "big", "", 300.0, 448),
    ]
    ex = experiment(rows=rows, training={"human": human, "control": control})
    assert ex.one_by_condition == {
        "before": ("net", "in1k"), "strength 0": ("net", "human/strength-0/seed-3"),
        "human maps": ("net", "human/strength-2/seed-3"),
        "the mean map": ("net", "centre/strength-2/seed-3"),
    }  # fmt: skip
    assert ex.model_in_gallery == "net" and len(ex.conditioned_names) == 2 * 3
    jobs = TrainingJobs(ex)
    assert jobs.conditions(job(model="net")) == ["none", "none", "human", "human", "mean", "mean"]
    assert len(jobs.histories(job(model="net"))) == 6
    plain = experiment(rows=ROWS[:3])
    assert plain.one_by_condition == {} and plain.model_in_gallery == ""
    assert not plain.conditioned_names and "conditions" not in plain.tables
    lost = experiment(missing=dict.fromkeys(ex.trained.index[:2], "gone"), rows=rows,
                      training={"human": human, "control": control})  # fmt: skip
    assert "strength 0" not in lost.one_by_condition  # without a baseline there is no pair


def test_published_scores_alone_have_their_tables_and_figures_and_no_report():
    config, registry = experiments.repository()
    tables = config["published"] | {"tables": list(registry["scores"])}
    ex = experiment(rows=ROWS[:0], recordings=[], rdms=[], published=tables)
    assert ex.tables == ex.readable_tables == [
        "published", "published_pairs", "published_comparison", "range_curve", "family_trends",
    ]  # fmt: skip
    assert ex.figures == [
        "range", "range_tables", "published", "published_alignment", "published_it",
        "published_pairs",
    ]  # fmt: skip
    assert [path.rpartition("/")[2] for path in ex.pages] == ["provenance.json"]


def test_the_settings_that_are_reported_do_not_say_where_downloads_are(ex):
    assert "mirror" in ex.settings and "mirror" not in ex.reported_settings
    assert ex.reported_settings["training"]["digits"]["checkpoint_steps"] == 1000  # a default


def test_a_jobs_row_network_and_layers(ex, job):
    assert ex.row(job(**NET))["params_m"] == 5
    assert ex.cell("family")(job(**DIGITS)) == "small"
    assert ex.network_of(job(**NET)) == {
        "architecture": "net.a1_in1k", "builder": "", "arguments": {}, "preprocessing": {},
    }  # fmt: skip
    assert ex.named_layers(job(**NET)) == ["a", "b"]
    assert ex.named_layers(job(model="big", weights="mine")) == []
    assert ex.sources["net/in1k"] == "timm:a1_in1k"


@pytest.mark.parametrize(
    ("weights", "file"),
    [(("net", "in1k"), []), (("big", "mine"), "big.pt"), (("net", "kept"), "results/data/keras/net.h5")],
)  # fmt: skip
def test_weights_are_read_from_a_file_of_the_users_or_of_a_dataset(ex, job, weights, file):
    assert ex.weights_file(job(model=weights[0], weights=weights[1])) == file


def test_a_weights_file_in_the_home_folder_is_written_out_for_snakemake(job, monkeypatch, tmp_path):
    """Which takes no `~` in a path."""
    monkeypatch.setenv("HOME", str(tmp_path))
    ex = experiment(rows=[("net", "w", "file:~/x.pth", "cnn", "net", "", 5.0, 224)])
    assert ex.weights_file(job(model="net", weights="w")) == str(tmp_path / "x.pth")


def test_labels_are_what_a_job_is_about(ex, job):
    wildcards = job(experiment="demo", recording="sim_m1_pl", **NET)
    assert ex.labels(wildcards) == {"recording": "sim_m1_pl", **NET}
    assert list(ex.labels(job(weights="w", model="m", rdm="r"))) == ["rdm", "model", "weights"]


def test_paths_go_model_by_model_and_name_by_name(ex):
    found = ex.per_model(paths.ENCODING, [("a", "x"), ("b", "y")], recording=["r", "s"])
    folder = "results/demo/encoding"
    assert found == [
        f"{folder}/r/a/x.parquet", f"{folder}/s/a/x.parquet",
        f"{folder}/r/b/y.parquet", f"{folder}/s/b/y.parquet",
    ]  # fmt: skip
    assert len(ex.per_model(paths.WEIGHTS)) == len(ex.scored)
    assert ex.per_model(paths.RSA, rdm=[]) == []


def test_activations_are_those_on_what_the_recording_or_the_rdms_were_shown(ex, job):
    of_recording = ex.activations_of(job(recording="sim_m2_ml", **NET))
    assert of_recording == "results/activations/sim_m2_scenes/net/in1k.h5"
    of_rdms = ex.activations_of(job(rdm="it92_human", **NET))
    assert of_rdms == "results/activations/it92_images/net/in1k.h5"


def test_without_names_the_ends_of_accuracy_and_an_untrained_network_are_drawn():
    kinds = ["cnn"] * 4 + ["untrained"] * 2
    rows = [
        (name, "w", "untrained:0" if kind == "untrained" else "timm:w", kind, "net", "", 5.0, 224)
        for name, kind in zip("cabduv", kinds, strict=True)
    ]
    ex = experiment(rows=rows, rdms=[], figures={"images": 3, "models": None})
    known = ex.models.assign(top1=[60, 70, 50, float("nan"), 0.1, 0.1])
    drawn = dataclasses.replace(ex, models=known).shown
    assert [name for name, _ in drawn.index] == ["a", "b", "u"]
    alone = dataclasses.replace(ex, models=known.iloc[3:4]).shown
    assert [name for name, _ in alone.index] == ["d"]


def test_shown_predictions_have_recordings_outermost(job):
    ex = experiment(figures={"images": 3, "models": ["net"]}, rows=ROWS[:3])
    assert ex.shown_names == ["net in1k", "net kept"]
    found = ex.shown_predictions(job(experiment="demo"))
    assert found[:3] == [
        "results/demo/encoding/sim_m1_pl/net/in1k.predictions.h5",
        "results/demo/encoding/sim_m1_pl/net/kept.predictions.h5",
        "results/demo/encoding/sim_m1_ml/net/in1k.predictions.h5",
    ]
    assert len(found) == 6


def test_histories_are_of_scored_networks_alone(ex):
    assert ex.histories == {
        " ".join(key): f"results/weights/{key[0]}/{key[1]}.parquet" for key in TRAINED
    }


def test_images_of_trainings_have_their_ranges_written_out(ex):
    clickme = [f"results/clickme/train/{n}.parquet" for n in (0, 1)]
    assert ex.training_images[:4] == ["data/train", *clickme, "data/val"]


@pytest.mark.long
def test_code_is_known_by_the_rule_and_where_a_network_is_built_by_its_builder(job, tmp_path):
    ex = experiment()
    assert ex.code_of("fit_encoding")(None) == fingerprint("fit_encoding")
    own = ex.code_of_network("fetch_weights")
    assert own(job(**NET)) == fingerprint("fetch_weights")
    builder = tmp_path / "mine.py"
    builder.write_text("def build():\n    pass\n")
    built = Experiment(ex.settings, ex.registry, ex.models.assign(builder=f"{builder}:build"), {})
    rule, digest = built.code_of_network("fetch_weights")(job(**NET)).split()
    assert rule == fingerprint("fetch_weights") and len(digest) == 64
    found = ex.fingerprints(None)
    assert found["fit_encoding"] == fingerprint("fit_encoding")
    assert "score_attention" in found and not {"render_report", "status"} & found.keys()


def test_it_is_frozen_and_its_name_is_short(ex):
    """Snakemake prints the functions of rules, and takes a line break in them for a mistake."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        ex.settings = {}
    assert repr(ex.activations_of) == (
        "<bound method Experiment.activations_of of Experiment('demo')>"
    )
    assert {ex.labels: 1}[ex.labels] == 1


def test_gpus_follow_the_device():
    devices = ("cpu", "mps", "cuda", "cuda:1")
    assert [experiment(device=device).gpus for device in devices] == [0, 0, 1, 1]


# --- choices for a recording ----------------------------------------------------------------------


def test_a_recording_has_its_own_window_and_ceiling_or_the_default(job):
    config, _ = experiments.repository()
    encoding = config["encoding"] | {"window": {"default": [0, 9], "m1_ml": [5, 7]}, "folds": 7}
    ceiling = {"name": {"default": "population", "m1_ml": "split_half"}, "splits": 5}
    analysis = Analysis(experiment(encoding=encoding, ceiling=ceiling))
    own, other = job(recording="m1_ml"), job(recording="m2_ml")
    assert (analysis.window(own), analysis.window(other)) == ([5, 7], [0, 9])
    assert (analysis.ceiling(own), analysis.ceiling(other)) == ("split_half", "population")
    assert analysis.folds(own) == 7


def test_splits_and_variants_are_told_to_the_check_of_a_recording(job):
    config, _ = experiments.repository()
    column = {"kind": "column", "name": "object"}
    encoding = config["encoding"] | {"splits": [column], "folds": {"default": 5, "m1_ml": "image"}}
    variants = {"thirds": {"folds": 3}, "theirs": {"protocol": "reference"}}
    multiverse = config["multiverse"] | {"variants": variants}
    asked = Analysis(experiment(encoding=encoding, multiverse=multiverse)).further_divisions
    keys = [
        "encoding: splits", "multiverse: variants: thirds", "multiverse: variants: theirs",
    ]  # fmt: skip
    protocols = ["corrected", "corrected", "reference"]
    for recording, usual in (("m1_ml", "image"), ("m2_ml", 5)):
        folds = [column, 3, usual]
        assert asked(job(recording=recording)) == [
            {"key": key, "protocol": protocol, "folds": one}
            for key, protocol, one in zip(keys, protocols, folds, strict=True)
        ]


def test_every_job_and_variant_names_its_folds(job):
    config, _ = experiments.repository()
    clusters = {"kind": "clusters", "k": 5}
    encoding = config["encoding"] | {
        "splits": [clusters],
        "folds": {"default": 5, "m1_ml": "image"},
    }
    variants = {"thirds": {"folds": 3}, "theirs": {"mappings": ["ridge"]}}
    multiverse = config["multiverse"] | {"variants": variants}
    names = ["m1_ml", "m2_ml"]
    analysis = Analysis(experiment(recordings=names, encoding=encoding, multiverse=multiverse))
    own, other = (job(recording=name) for name in names)
    assert [analysis.split_of_job(one) for one in (own, other)] == ["image", "5"]
    variant = job(recording="m1_ml", variant="clusters-5")
    assert analysis.split_of_job(variant) == "clusters-5"
    named = analysis.split_of_variants
    assert {*named} == {*analysis.variant_folds} == {"3", "by recording"}
    assert (named["3"]["m1_ml"], named["by recording"]["m1_ml"]) == ("3", "image")
    assert named["by recording"]["m2_ml"] == "5"


def test_a_recording_without_time_reads_no_window_so_that_a_new_one_runs_nothing_again(job):
    config, _ = experiments.repository()
    analysis = Analysis(experiment(encoding=config["encoding"]))
    timeless, other = job(recording="v4_210325"), job(recording="m1_ml")
    assert (analysis.window(timeless), analysis.sweep(timeless)) == (None, [])
    assert (analysis.window(other), analysis.sweep(other)) == (
        config["encoding"]["window"]["default"], config["encoding"]["sweep"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "drawn"),
    [
        ({}, True),
        ({"top1": float("nan")}, False),
        ({"top1": float("nan"), "measured": True}, True),
        ({"category": "harmonized"}, False),
        ({"category": "own"}, False),
    ],
)
def test_the_multiverse_is_drawn_where_enough_networks_have_an_accuracy(changed, drawn):
    """Five are a trend; with four the figure would be a sentence."""
    rows = [(f"net{k}", "in1k", "timm:a", "cnn", "f", "", 5.0, 224) for k in range(5)]
    ex = experiment(rows=rows, rdms=[])
    models = ex.models.copy()
    for name, value in changed.items():
        models.iloc[-1, models.columns.get_loc(name)] = value
    ex = dataclasses.replace(ex, models=models)
    assert ("multiverse" in ex.figures, "multiverse" in ex.tables) == (drawn, True)


def test_a_figure_of_maps_is_drawn_where_there_are_maps():
    assert "alignment" in experiment(recordings=["m1_ml", "v4_210325"]).figures
    assert "alignment" not in experiment(recordings=["v4_210325"]).figures


def test_maps_are_aligned_where_there_is_or_may_be_a_grid():
    """Recordings of other formats have one value for each image and site."""
    ex = experiment(recordings=["m1_ml", "v4_210325", "majajhong_it"])
    own = {"responses": "mine.nc", "stimuli": "photos"}  # only the file can say
    known = ex.registry["recordings"] | {"mine": own, "named": own | {"axes": ["image", "site"]}}
    settings = ex.settings | {"recordings": [*ex.recordings, "mine", "named"]}
    ex = dataclasses.replace(ex, registry=ex.registry | {"recordings": known}, settings=settings)
    assert ex.recordings_with_maps == ["m1_ml", "mine"]


def test_nor_does_an_own_recording_whose_file_has_no_time(job, tmp_path):
    config, _ = experiments.repository()
    (tmp_path / "wide.csv").write_text("image,a,b\n")
    own = {"responses": str(tmp_path / "wide.csv"), "stimuli": "photos"}
    ex = experiment(encoding=config["encoding"])
    known = ex.registry | {"recordings": ex.registry["recordings"] | {"mine": own}}
    analysis, timeless = Analysis(dataclasses.replace(ex, registry=known)), job(recording="mine")
    assert (analysis.window(timeless), analysis.sweep(timeless)) == (None, [])


def test_the_digits_study_has_its_own_folds_protocol_and_the_true_ceiling(job):
    config, _ = experiments.repository()
    analysis = Analysis(experiment(encoding=config["encoding"] | {"protocol": "reference"}))
    digits, other = job(recording="digits_object_sites"), job(recording="m1_ml")
    assert (analysis.folds(digits), analysis.folds(other)) == (5, "image")
    assert (analysis.protocol(digits), analysis.protocol(other)) == ("corrected", "reference")
    assert (analysis.ceiling(digits), analysis.ceiling(other)) == ("truth", "population")


# --- as it is read --------------------------------------------------------------------------------


def read(tmp_path, monkeypatch, **changes) -> Experiment:
    """The demo's configuration as the workflow reads it, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    if not (tmp_path / "experiments").exists():
        (tmp_path / "experiments").symlink_to(REPOSITORY / "experiments")
    config, _ = experiments.repository()
    return Experiment.read(config | {"models": "experiments/models.csv"} | changes, REPOSITORY)


@pytest.mark.network
def test_the_demo_is_read_checked_and_filled_in(tmp_path, monkeypatch):
    ex = read(tmp_path, monkeypatch)
    assert ex.name == "demo" and len(ex.models) == 5 and ex.missing == {}
    assert ex.settings["training"]["digits"]["processes"] == 1
    assert ex.registry["stimuli"]["sim_m1_scenes"]["format"] == "zip"
    assert len(ex.registry["attention"]["clickme"]["files"]) == 17


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeed": 3}, "config is not valid:\n.*unknown key 'seeed'; did you mean 'seed'"),
        ({"recordings": ["sim_m1"]}, "config: recordings: 'sim_m1' does not exist"),
        ({"datasets": "nowhere.yaml"}, "nowhere.yaml: cannot be read \\(No such file"),
        ({"models": "nowhere.csv"}, "nowhere.csv: model table cannot be read"),
        ({"datasets": "experiments/models.csv"}, "models.csv: expected a mapping"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_before_any_job(tmp_path, monkeypatch, changes, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, monkeypatch, **changes)


@pytest.mark.network
def test_an_own_recording_is_read_from_the_settings_and_defaults_filled_in(tmp_path, monkeypatch):
    lab = laboratory(tmp_path / "pictures")
    lab.wide().to_csv(tmp_path / "r.csv", index=False)
    mine = {"name": "mine", "responses": "r.csv", "stimuli": "pictures", "sites": {"region": "IT"}}
    config, _ = experiments.repository()
    folds = config["encoding"] | {"folds": 4}
    ex = read(tmp_path, monkeypatch, recordings=[mine, "sim_m1_pl"], encoding=folds)
    assert ex.recordings == ["mine", "sim_m1_pl"]
    entry = ex.registry["recordings"]["mine"]
    assert entry["orientation"] == "as configured"
    assert entry["attributes"]["area"] == "IT"
    assert ex.registry["stimuli"][entry["stimuli"]]["path"] == "pictures"
    assert ex.recordings_with_maps == ["sim_m1_pl"]
    told, other = ex.reported_settings["recordings"]
    assert (told["name"], told["sites"], other) == ("mine", {"region": "IT"}, "sim_m1_pl")
    with pytest.raises(UserError, match="folds: 'image' leaves one sample in a fold"):
        read(tmp_path, monkeypatch, recordings=[mine])  # the table has no columns for a grid


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stimulus": "pictures"}, "unknown key 'stimulus'"),
        ({"axes": ["image", "sites"]}, "recordings: mine: axes: 1: 'sites' is not a choice"),
        ({"responses": "gone.csv"}, r"recordings: mine: there is no gone\.csv; paths are relative"),
        ({"stimuli": "photos"}, "recordings: mine: stimuli: 'photos' is no folder or zip"),
        ({"name": "my array"}, "'my array' is not allowed here|is none of what is valid"),
        ({"name": "m1_pl"}, "the registry has a recording 'm1_pl' already"),
    ],
)
def test_what_is_wrong_with_an_own_recording_is_said(tmp_path, monkeypatch, changes, message):
    laboratory(tmp_path / "pictures").wide().to_csv(tmp_path / "r.csv", index=False)
    mine = {"name": "mine", "responses": "r.csv", "stimuli": "pictures"} | changes
    with pytest.raises(UserError, match=message):
        read(tmp_path, monkeypatch, recordings=[mine])
