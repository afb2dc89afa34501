"""What runs again after a change, and what does not; jobs are asserted by name."""

import shutil
from pathlib import Path

import pytest

from made.demo_jobs import (
    CHECKS,
    COLLECTORS,
    KEYS,
    LAST,
    NETWORKS,
    ON_DIGITS,
    PAIRS,
    RECORDINGS,
    STIMULI,
    STUDIED,
    STUDY,
    of,
    once,
)

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(900)]

RECORDS = ("results", ".snakemake")  # all else in a folder is the code


def test_second_run_does_nothing(finished):
    assert "Nothing to be done" in finished.run_as_users_do().stdout


# --- files that are newer, but say the same -------------------------------------------------------


def test_touched_files_and_docstrings_change_nothing(copy_of):
    """Editors, checkouts and reverts touch files; only what they say is a reason to run."""
    module = copy_of.folder / "scripts" / "itcortex" / "regression" / "pls.py"
    module.write_text(module.read_text().replace('"""Partial', '"""A changed line.\n\nPartial'))
    touched = set()
    for path in copy_of.folder.rglob("*"):
        top = path.relative_to(copy_of.folder).parts[0]
        if top not in RECORDS and path.is_file():
            path.touch()
            touched.add(top)
    parts = {"Snakefile", "config.yaml", "rules", "scripts", "envs", "profiles", "experiments"}
    assert touched == parts
    assert copy_of.planned() == {}


def test_a_fresh_clone_with_existing_results_runs_nothing(finished, copy_of, tmp_path):
    """Every file of the code is newer than all results; Snakemake's own records came along, or not.

    Without these records nothing runs either, but then a changed setting or function goes unnoticed:
    what a result was made with is told by its stamp alone.
    """
    clone = tmp_path / "clone"
    shutil.copytree(  # without the files' times, as a checkout
        finished.folder,
        clone,
        ignore=shutil.ignore_patterns(*RECORDS),
        copy_function=shutil.copyfile,
    )
    for part in RECORDS:
        (copy_of.folder / part).rename(clone / part)
    copy_of.folder = clone
    table = clone / "results" / "demo" / "tables" / "summary.parquet"
    assert (clone / "Snakefile").stat().st_mtime > table.stat().st_mtime
    assert copy_of.planned() == {}
    shutil.rmtree(clone / ".snakemake")
    assert copy_of.planned() == {}
    copy_of.configure({"figures": {"images": 1}})
    assert copy_of.planned() == {}


# --- changed code ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "jobs"),
    [
        # two of which neither could hide what the other runs by mistake: a constant, and a body
        ([("encoding/map_alignment.py", "SCALES = (1, 2, 4)", "SCALES = (1, 2)"),
          ("encoding/ceilings.py", "where=norms > 0)", "where=norms > 1e-9)")],
         once(of("align_maps", KEYS), COLLECTORS,
              of("estimate_ceiling", [*RECORDINGS, "digits_object_sites"]),
              CHECKS, STUDY)),
        ([("figures/timecourse.py", "RESPONSE_HEIGHT = 0.3", "RESPONSE_HEIGHT = 0.2"),
          ("attention/shortcut.py", '"n_broken": int(apart.sum())',
           '"n_broken": int(apart.sum()) + 1')],
         once({"plot_timecourse"}, LAST, of("score_shortcut", STUDIED), STUDY)),
        ([("regression/pls.py", "CHUNK_BYTES = 192", "CHUNK_BYTES = 191")],
         once(of("fit_encoding", KEYS), of("align_maps", KEYS), {"plot_maps"}, COLLECTORS, PAIRS,
              of("predict_recording", RECORDINGS), of("estimate_ceiling", RECORDINGS),
              CHECKS, ON_DIGITS, STUDY)),
    ],
    ids=["align_maps and estimate_ceiling", "plot_timecourse and score_shortcut", "fit_encoding"],
)  # fmt: skip
def test_changed_modules_rerun_exactly_the_rules_that_use_them(copy_of, changes, jobs):
    """One constant, one function: whoever uses another name of the same module stays as it is."""
    for module, old, new in changes:
        path = copy_of.folder / "scripts" / "itcortex" / module
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))
    assert copy_of.planned() == jobs


def test_a_new_function_of_a_module_that_all_import_runs_nothing(copy_of):
    with (copy_of.folder / "scripts" / "itcortex" / "store" / "arrays.py").open("a") as module:
        module.write("\n\ndef not_used_by_any_rule():\n    return 1\n")
    assert copy_of.planned() == {}


# --- changed tables and settings ------------------------------------------------------------------


def test_added_model_runs_its_own_jobs_and_the_collectors(copy_of):
    with (copy_of.folder / "experiments" / "models.csv").open("a") as table:
        table.write("net,s1,mobilenetv3_small_050,untrained:1,untrained,mobilenet,0.1,chance,\n")
    new = {"fetch_weights net s1", "collect_models"}
    new |= {f"extract_activations {shown} net s1" for shown in STIMULI}
    new |= {f"{rule} {r} net s1" for rule in ("fit_encoding", "align_maps") for r in RECORDINGS}
    assert copy_of.planned() == once(
        new, COLLECTORS, PAIRS
    )  # test_line runs these for a user's own model


@pytest.mark.parametrize(
    ("change", "jobs"),
    [
        ({"figures": {"images": 1}, "ceiling": {"name": "truth"}},
         once({"plot_maps", "plot_shortcut"}, of("estimate_ceiling", RECORDINGS),
              CHECKS, COLLECTORS)),
        ({"encoding": {"window": {"sim_m2_ml": [90, 130]}}},
         once(of("fit_encoding", KEYS[2:]), of("align_maps", KEYS[2:]),
              of("predict_recording", RECORDINGS), of("estimate_ceiling", RECORDINGS),
              {"check_recording sim_m2_ml", "judge_recordings", "plot_maps", "plot_recordings"},
              COLLECTORS, PAIRS)),
        ({"activations": {"batch_size": 4}},
         once(*(of(f"extract_activations {shown}", NETWORKS) for shown in STIMULI),
              of("fit_encoding", KEYS), of("align_maps", KEYS), {"plot_maps"}, COLLECTORS, PAIRS,
              of("extract_activations digits_simulated_images", STUDIED), ON_DIGITS, STUDY)),
    ],
)  # fmt: skip
def test_changed_setting_runs_exactly_its_consumers(copy_of, change, jobs):
    copy_of.configure(change)
    assert copy_of.planned() == jobs


# --- deleted files --------------------------------------------------------------------------------


def test_deleted_table_is_made_again_with_the_same_bytes(copy_of):
    """Only the job that made it, and those behind it: no network, no fit."""
    tables = copy_of.folder / "results" / "demo" / "tables"
    before = {path.name: path.read_bytes() for path in tables.iterdir()}
    (tables / "summary.parquet").unlink()
    assert copy_of.planned() == once(COLLECTORS)
    copy_of.run(*(f"results/demo/tables/{name}" for name in before))  # without figures and report
    assert {path.name: path.read_bytes() for path in tables.iterdir()} == before


def test_a_deleted_intermediate_is_made_again_when_it_is_wanted(copy_of):
    """Activations may go to save room: while all behind them is there, nobody wants them."""
    recording, network = RECORDINGS[0], NETWORKS[1]
    path = network.replace(" ", "/")
    activations = Path("results", "activations", STIMULI[0], f"{path}.h5")
    scores = Path("results", "demo", "encoding", recording, f"{path}.parquet")
    for deleted in (activations, scores):
        (copy_of.folder / deleted).unlink()
    assert copy_of.planned() == {}
    extract = f"extract_activations {STIMULI[0]} {network}"
    assert copy_of.planned(str(activations)) == {extract: 1}
    (copy_of.folder / "results" / "demo" / "tables" / "scores.parquet").unlink()
    own = {extract, f"fit_encoding {recording} {network}", f"align_maps {recording} {network}"}
    assert copy_of.planned() == once(own, {"plot_maps"}, COLLECTORS, PAIRS)


def test_activations_that_are_not_kept_are_wanted_by_fits_alone(copy_of):
    """Their notes stay, from which provenance is made anew: it has the setting."""
    copy_of.configure({"activations": {"keep": False}})
    (
        copy_of.folder
        / "results"
        / "activations"
        / STIMULI[0]
        / f"{NETWORKS[1].replace(' ', '/')}.h5"
    ).unlink()
    assert copy_of.planned() == once(LAST)
    (copy_of.folder / "results" / "demo" / "tables" / "summary.parquet").unlink()
    assert copy_of.planned() == once(COLLECTORS)
