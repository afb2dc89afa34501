"""Names of the reduced demo's jobs, as `Workflow.planned` gives them."""

COLLECTORS = {"collect_scores", "estimate_tradeoff", "plot_tradeoff", "plot_layers",
              "plot_timecourse", "plot_alignment", "plot_reverse", "estimate_multiverse",
              "render_report", "record_provenance"}  # fmt: skip
#: Read scores and predictions of single sites, which change with a fit alone.
PAIRS = {"compare_models", "plot_network_site_counts", "compare_recordings", "plot_recording_pairs",
         "plot_site_counts"}  # fmt: skip
LAST = {"render_report", "record_provenance"}
RECORDINGS = ["sim_m1_pl", "sim_m2_ml"]
STIMULI = ["sim_m1_scenes", "sim_m2_scenes"]
NETWORKS = ["tf_efficientnet_lite0 imagenet", "mobilenetv3_large_100 untrained"]
KEYS = [f"{recording} {network}" for recording in RECORDINGS for network in NETWORKS]

#: What is looked at before networks are run.
CHECKS = {*(f"check_recording {recording}" for recording in RECORDINGS), "judge_recordings"}

# The digits study: a table and a figure of its own, and part of the report.
STUDIED = [f"digits_resnet harmonized/strength-{strength}/seed-0" for strength in (0, 1)]
STUDY = {"collect_shortcut", "plot_shortcut"}
ON_DIGITS = {f"fit_encoding digits_object_sites {network}" for network in STUDIED}


def of(rule: str, names: list[str]) -> set[str]:
    """One job of a rule for each of some names."""
    return {f"{rule} {name}" for name in names}


def once(*jobs: set[str]) -> dict[str, int]:
    """A plan of exactly these jobs, each of them once."""
    return dict.fromkeys(set().union(*jobs), 1)
