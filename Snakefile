"""From recordings and networks to the figures of Linsley et al. (NeurIPS 2023), and beyond."""

from snakemake.utils import min_version

min_version("9.14.8")


report: "rules/report/workflow.rst"


include: "rules/common.smk"
include: "rules/downloads.smk"
include: "rules/data.smk"
include: "rules/own_data.smk"
include: "rules/networks.smk"
include: "rules/simulation.smk"
include: "rules/training.smk"
include: "rules/checks.smk"
include: "rules/encoding.smk"
include: "rules/concepts.smk"
include: "rules/similarity.smk"
include: "rules/attention.smk"
include: "rules/tables.smk"
include: "rules/published.smk"
include: "rules/figures.smk"
include: "rules/report.smk"
include: "rules/running.smk"


onstart:
    without_default_limit(workflow.scheduler)
    try:
        if checking:
            require_alone(workflow.dag.needrun_jobs(), "check_models")
        if workflow.local_exec and ":" not in config["device"]:
            require_gpus(workflow.dag.needrun_jobs())
        if workflow.executor_plugin.name == "slurm":
            require_time(workflow.dag.needrun_jobs())
        require_network(
            workflow.dag.needrun_jobs(),
            {"download_data": data.urls, "fetch_weights": ex.weights_addresses},
        )
    except UserError as error:
        raise WorkflowError(str(error))


rule all:
    """Everything of the configured experiment: tables, figures and the report."""
    default_target: True
    input:
        ex.pages,
        analysis.kept,
        expand("results/{experiment}/tables/{table}.parquet", experiment=ex.name, table=ex.tables),
        expand(
            "results/{experiment}/tables/{table}.csv",
            experiment=ex.name,
            table=ex.readable_tables,
        ),
        expand(
            "results/{experiment}/figures/{figure}.{kind}",
            experiment=ex.name,
            figure=ex.figures,
            kind=["pdf", "png"],
        ),
