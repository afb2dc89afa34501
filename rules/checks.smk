"""Looked at before anything is spent: what a recording holds, and what is wrong with it."""


localrules:
    check_recordings,
    judge_recordings,


rule check_recording:
    """Counts, repeats, sites, drift, ceilings, folds and the grid's orientation of one recording."""
    input:
        recording="results/recordings/{recording}.h5",
        stimuli=data.stimuli_of_recording,
    output:
        found="results/{experiment}/checks/{recording}.json",
        sites="results/{experiment}/checks/{recording}.parquet",
        sites_csv="results/{experiment}/checks/{recording}.csv",
        pdf="results/{experiment}/checks/{recording}.pdf",
        png="results/{experiment}/checks/{recording}.png",
    log:
        "results/{experiment}/logs/check_recording/{recording}.log",
    benchmark:
        "results/{experiment}/benchmarks/check_recording/{recording}.tsv"
    priority: 10  # before any network is run
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(30),
    params:
        code=ex.code_of("check_recording"),
        name="{recording}",
        protocol=analysis.protocol,
        folds=analysis.folds,
        further=analysis.further_divisions,
        window=analysis.window,
        ceiling=analysis.ceiling,
        splits=config["ceiling"]["splits"],
        seed=config["seed"],
        title=CHECK_TITLE,
        caption=CHECK_CAPTION,
    script:
        "../scripts/check_recording.py"


rule check_recordings:
    """All recordings of the experiment; an error where a run of it would make no sense."""
    input:
        expand("results/{experiment}/checks/summary.txt", experiment=ex.name),


rule judge_recordings:
    """What was found in all recordings, in words; fails where a run would make no sense."""
    input:
        found=expand("results/{{experiment}}/checks/{recording}.json", recording=ex.recordings),
    output:
        summary="results/{experiment}/checks/summary.txt",
    log:
        "results/{experiment}/logs/judge_recordings.log",
    benchmark:
        "results/{experiment}/benchmarks/judge_recordings.tsv"
    priority: 10
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(600),
        runtime=rising(10),
    params:
        code=ex.code_of("judge_recordings"),
    script:
        "../scripts/judge_recordings.py"
