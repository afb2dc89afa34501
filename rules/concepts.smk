"""Concepts (CRAFT): what the layer that predicts a recording answers to, and what it is good for."""


rule find_concepts:
    """Concepts of one model's layer on the images of a recording, and how much they matter to it."""
    input:
        recording="results/recordings/{recording}.h5",
        stimuli=data.stimuli_of_recording,
        predictions="results/{experiment}/encoding/{recording}/{model}/{weights}.predictions.h5",
        weights="results/weights/{model}/{weights}.safetensors",
    output:
        concepts="results/{experiment}/concepts/{recording}/{model}/{weights}.h5",
    log:
        "results/{experiment}/logs/find_concepts/{recording}/{model}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/find_concepts/{recording}/{model}/{weights}.tsv"
    conda:
        "../envs/networks.yaml"
    threads: ex.extraction_threads
    resources:
        mem_mb=request.extraction_mem_mb,
        runtime=request.concepts_runtime,
        gpu=ex.gpus,
    params:
        code=ex.code_of_network("find_concepts"),
        network=ex.network_of,
        settings=analysis.concepts,
        batch_size=ex.batch_size,
        device=config["device"],
        seed=config["seed"],
    script:
        "../scripts/find_concepts.py"


rule predict_from_concepts:
    """What the concepts of one model's layer predict of a recording, together and one by one."""
    input:
        activations=ex.activations_of,
        recording="results/recordings/{recording}.h5",
        concepts="results/{experiment}/concepts/{recording}/{model}/{weights}.h5",
        divided=analysis.parts,
    output:
        scores="results/{experiment}/concepts/{recording}/{model}/{weights}.parquet",
    log:
        "results/{experiment}/logs/predict_from_concepts/{recording}/{model}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/predict_from_concepts/{recording}/{model}/{weights}.tsv"
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=request.encoding_mem_mb,
        runtime=request.encoding_runtime,
        gpu=request.encoding_gpus,
    params:
        code=ex.code_of("predict_from_concepts"),
        labels=ex.labels,
        mapping=config["encoding"]["mappings"][0],
        protocol=analysis.protocol,
        components=config["encoding"]["components"],
        rule=config["encoding"]["rule"],
        ridge=config["encoding"]["ridge"],
        device=request.encoding_device,
        fall_back=config["encoding"]["device"] == "auto",
        folds=analysis.folds,
        pool=analysis.pool,
        pca=analysis.pca,
        window=analysis.window,
        seed=config["seed"],
    script:
        "../scripts/predict_from_concepts.py"
