"""Recordings and stimuli: downloaded or simulated, then brought into one form."""


localrules:
    download_data,


rule download_data:
    """Fetch one file of a dataset from the mirror or its addresses; verify its checksum, or pin it."""
    output:
        file="results/data/{dataset}/{file}",
    log:
        "results/logs/download_data/{dataset}/{file}.log",
    benchmark:
        "results/benchmarks/download_data/{dataset}/{file}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(600),
        runtime=rising(120),
    params:
        # no code fingerprint: a checksum says all there is to say about a download
        urls=lambda wildcards: catalogue.urls_of(data_entry(wildcards)),
        sha256=lambda wildcards: data_entry(wildcards).get("sha256"),
        size=lambda wildcards: data_entry(wildcards).get("bytes"),
        members=lambda wildcards: data_entry(wildcards).get("members"),
        lock=config["lock"],
    script:
        "../scripts/download_data.py"


rule simulate_recordings:
    """SIMULATED arrays, in the archive format of the published recordings, and their truth."""
    input:
        weights=teacher,
    output:
        archive="results/data/arcaro2020_simulated/Arcaro2020_simulated.zip",
        truth="results/data/arcaro2020_simulated/truth.h5",
    log:
        "results/logs/simulate_recordings.log",
    benchmark:
        "results/benchmarks/simulate_recordings.tsv"
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(30),
    params:
        code=code_of("simulate_recordings"),
        network=teacher_network(),
        arrays=simulated_arrays(),
        repeats=config["simulation"]["repeats"],
        size_px=config["simulation"]["size_px"],
        seed=config["seed"],
    script:
        "../scripts/simulate_recordings.py"


ruleorder: simulate_recordings > download_data


rule prepare_recordings:
    """One array's responses (image, y, x, ms, site) in image orientation."""
    input:
        source=lambda wildcards: data_file(recording_entry(wildcards)),
        table=image_table_of,
    output:
        recording="results/recordings/{recording}.h5",
    log:
        "results/logs/prepare_recordings/{recording}.log",
    benchmark:
        "results/benchmarks/prepare_recordings/{recording}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(30),
    params:
        code=code_of("prepare_recordings"),
        entry=recording_entry,
        images=lambda wildcards: REGISTRY["stimuli"][recording_entry(wildcards)["stimuli"]],
    script:
        "../scripts/prepare_recordings.py"


rule prepare_stimuli:
    """The images of one set as one uint8 array with their names."""
    input:
        source=lambda wildcards: data_file(stimuli_entry(wildcards)),
    output:
        stimuli="results/stimuli/{stimuli}.h5",
    log:
        "results/logs/prepare_stimuli/{stimuli}.log",
    benchmark:
        "results/benchmarks/prepare_stimuli/{stimuli}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=code_of("prepare_stimuli"),
        folder=lambda wildcards: stimuli_entry(wildcards)["folder"],
        format=lambda wildcards: stimuli_entry(wildcards).get("format", "zip"),
        size_px=config["stimuli"]["size_px"],
    script:
        "../scripts/prepare_stimuli.py"


localrules:
    stage_data,


rule stage_data:
    """All that the experiment needs from the network, data and weights: for a login node."""
    input:
        files_in_use(),
        expand(
            "results/weights/{model}/{weights}.safetensors",
            zip,
            model=FETCHED["model"],
            weights=FETCHED["weights"],
        ),
