"""From recordings and networks to the figures of Linsley et al. (NeurIPS 2023), and beyond."""

from snakemake.utils import min_version

min_version("9.14.8")


report: "rules/report/workflow.rst"


include: "rules/common.smk"
include: "rules/functions/models.smk"
include: "rules/functions/resources.smk"
include: "rules/functions/simulation.smk"
include: "rules/functions/attention.smk"
include: "rules/functions/training.smk"
include: "rules/functions/benchmarks.smk"
include: "rules/functions/provenance.smk"
include: "rules/data.smk"
include: "rules/weights.smk"
include: "rules/harmonizer.smk"
include: "rules/digits.smk"
include: "rules/activations.smk"
include: "rules/encoding.smk"
include: "rules/alignment.smk"
include: "rules/rdms.smk"
include: "rules/attention.smk"
include: "rules/statistics.smk"
include: "rules/figures.smk"
include: "rules/report.smk"
include: "rules/benchmarks.smk"


onstart:
    if workflow.local_exec and ":" not in config["device"]:
        require_gpus(workflow.dag.needrun_jobs())
    if workflow.executor_plugin.name == "slurm":
        require_time(workflow.dag.needrun_jobs())


rule all:
    """Everything of the configured experiment: tables, figures and the report."""
    default_target: True
    input:
        f"results/{EXPERIMENT}/report.html",
        f"results/{EXPERIMENT}/provenance.json",
        expand(f"results/{EXPERIMENT}/tables/{{table}}.parquet", table=TABLES),
        expand(f"results/{EXPERIMENT}/tables/{{table}}.csv", table=READABLE),
        expand(
            f"results/{EXPERIMENT}/figures/{{figure}}.{{kind}}",
            figure=FIGURES,
            kind=["pdf", "png"],
        ),
