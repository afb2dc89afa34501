"""Recordings, stimuli, RDMs and photographs, brought into one form each."""


rule prepare_recordings:
    """One array's responses (image, y, x, ms, site) in image orientation."""
    input:
        source=data.recording_file,
        table=data.image_table,
        shown=data.labelled_images,
    output:
        recording="results/recordings/{recording}.h5",
    log:
        "results/logs/prepare_recordings/{recording}.log",
    benchmark:
        "results/benchmarks/prepare_recordings/{recording}.tsv"
    wildcard_constraints:
        recording=any_of(data.published("recordings")),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(30),
    params:
        code=ex.code_of("prepare_recordings"),
        entry=data.recording_entry,
        images=data.images_shown,
    script:
        "../scripts/prepare_recordings.py"


rule prepare_stimuli:
    """The images of one set as one uint8 array with their names."""
    input:
        source=data.stimuli_file,
    output:
        stimuli="results/stimuli/{stimuli}.h5",
    log:
        "results/logs/prepare_stimuli/{stimuli}.log",
    benchmark:
        "results/benchmarks/prepare_stimuli/{stimuli}.tsv"
    wildcard_constraints:
        stimuli=any_of(data.published("stimuli")),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("prepare_stimuli"),
        folder=data.of_stimuli("folder"),
        format=data.of_stimuli("format"),
        size_px=config["stimuli"]["size_px"],
    script:
        "../scripts/prepare_stimuli.py"


rule label_images:
    """What is known of every image: which picture it shows, and of what kind it is."""
    input:
        stimuli="results/stimuli/{stimuli}.h5",
        table=data.table_of_kinds,
    output:
        images="results/stimuli/{stimuli}.parquet",
    log:
        "results/logs/label_images/{stimuli}.log",
    benchmark:
        "results/benchmarks/label_images/{stimuli}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("label_images"),
        kinds=data.kinds,
    script:
        "../scripts/label_images.py"


rule prepare_rdms:
    """Published dissimilarities of one set of images, in one form."""
    input:
        source=data.rdm_file,
        shown=data.labelled_images,
    output:
        rdms="results/rdms/{rdm}.h5",
    log:
        "results/logs/prepare_rdms/{rdm}.log",
    benchmark:
        "results/benchmarks/prepare_rdms/{rdm}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("prepare_rdms"),
        entry=data.rdm_entry,
    script:
        "../scripts/prepare_rdms.py"


rule prepare_clickme:
    """One TFRecord shard of ClickMe as a table; damaged records are counted and placed."""
    input:
        shard="results/data/clickme/{split}-{shard}.tfrecords",
    output:
        records="results/clickme/{split}/{shard}.parquet",
        problems="results/clickme/{split}/{shard}.problems.parquet",
    log:
        "results/logs/prepare_clickme/{split}/{shard}.log",
    benchmark:
        "results/benchmarks/prepare_clickme/{split}/{shard}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(30),
    params:
        code=ex.code_of("prepare_clickme"),
        max_corrupt=config["attention"]["max_corrupt"],
    script:
        "../scripts/prepare_clickme.py"


rule prepare_osie:
    """Photographs with maps of eye and mouse (OSIE), and how far their viewers agree."""
    input:
        unpack(attention.viewing_files),
    output:
        photographs="results/attention/{attention}.parquet",
        ceilings="results/attention/{attention}.ceilings.parquet",
    log:
        "results/logs/prepare_osie/{attention}.log",
    benchmark:
        "results/benchmarks/prepare_osie/{attention}.tsv"
    wildcard_constraints:
        attention=any_of(attention.whole),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(30),
    params:
        code=ex.code_of("prepare_osie"),
        name="{attention}",
        sigma_px=config["attention"]["sigma_px"],
        splits=config["attention"]["splits"],
        seed=config["seed"],
        leave_out=attention.leave_out,
    script:
        "../scripts/prepare_osie.py"


rule split_photographs:
    """Photographs with human maps: some held out, the others to train on, with each condition's maps."""
    input:
        whole=attention.whole_photographs,
        whole_ceilings=attention.whole_ceilings,
    output:
        photographs="results/attention/{attention}.parquet",
        ceilings="results/attention/{attention}.ceilings.parquet",
        split="results/attention/{attention}.split.csv",
        validation="results/attention/{attention}.validation.parquet",
        human="results/attention/{attention}.human.parquet",
        of_others="results/attention/{attention}.of_others.parquet",
        mean="results/attention/{attention}.mean.parquet",
    log:
        "results/logs/split_photographs/{attention}.log",
    benchmark:
        "results/benchmarks/split_photographs/{attention}.tsv"
    wildcard_constraints:
        attention=any_of(attention.parts),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(30),
    params:
        code=ex.code_of("split_photographs"),
        name="{attention}",
        n_held_out=attention.held_out("photographs"),
        map_kind=attention.held_out("maps"),
        seed=config["seed"],
    script:
        "../scripts/split_photographs.py"
