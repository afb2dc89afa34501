"""An experiment: its checked settings and tables, and what its jobs need by their wildcards.

Rules hand over the methods that take wildcards (`network=ex.network_of`), so that no rule computes.
What a row of the model table says is in `model_rows`; what only some rules need has modules too:
`analysis`, `data_files`, `attention_sets`, `simulations`, `training_jobs`, `requests`,
`benchmark_files`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from pathlib import Path

from itcortex.data import registry as registries
from itcortex.data.own import entries
from itcortex.downloads import pins
from itcortex.networks.builders import builder_digest
from itcortex.tables.trend_limits import MINIMUM_MODELS, NOT_BASELINE
from itcortex.workflow import missing, paths, trainings
from itcortex.workflow.defaults import with_defaults
from itcortex.workflow.fingerprint import SCRIPTS
from itcortex.workflow.folds import Folds, folds_of, label_of, needs_network, written_out
from itcortex.workflow.kept_fingerprints import kept_fingerprint
from itcortex.workflow.made_with import other_settings
from itcortex.workflow.model_rows import Key, ModelRows, Wildcards
from itcortex.workflow.model_table import read_models, split_by_names
from itcortex.workflow.products import FIGURES, TABLES
from itcortex.workflow.refused_rows import RefusedRow
from itcortex.workflow.schemas import check, load_yaml
from itcortex.workflow.settings import (
    check_experiment,
    check_mirror,
    check_results,
    with_recordings,
)
from itcortex.workflow.training_conditions import check_compared

#: Scripts that make no result, or explain results.
NO_RESULTS = {
    "render_report", "collect_benchmarks", "plot_benchmarks", "status", "cancel_orphans",
    "check_models", "judge_recordings", "describe_recording",
}  # fmt: skip
#: Cores of a job that feeds a GPU with images; images of a pass on a CPU, as in `networks.batches`.
THREADS_OF_A_GPU, USUAL_BATCH = 8, 16
_MOST_TOLD = 8  # of settings that have changed
_fingerprint = cache(kept_fingerprint)


@dataclass(frozen=True, eq=False, repr=False)
class Experiment(ModelRows):
    """Settings and tables that all rules share, checked, with every default filled in.

    Attributes
    ----------
    settings : config.yaml and overlays.
    registry : datasets, stimuli, recordings, rdms and attention sets, numbered files written out.
    models : the model table by (model, weights), trained rows written out.
    missing : (model, weights) that cannot be had, and why; no job is planned for them.
    refused : rows of the model table that cannot be used; none but where rows are only to be checked.
    """

    refused: tuple[RefusedRow, ...] = ()

    @classmethod
    def read(cls, config: dict, base: Path, checking: bool = False) -> "Experiment":
        """The experiment of a configuration; `base` is the workflow's folder, with its schemas.

        Raises `UserError` that says what is wrong with settings, registry, lock or model table. Where
        models are only to be checked (`checking`), a row that is wrong is `refused` and raises nothing.
        """
        schema = {
            name: load_yaml(base / "rules" / "schemas" / f"{name}.schema.yaml")
            for name in ("config", "models", "datasets")
        }
        check(config, with_recordings(schema["config"], config), "config")
        settings = written_out(with_defaults(config, schema["config"]), schema["config"])
        check_mirror(settings["mirror"])
        registry = load_yaml(settings["datasets"])
        check(registry, schema["datasets"], settings["datasets"])
        names, own = entries.named_entries(settings["recordings"])
        check({"recordings": own}, _of_recordings(schema["datasets"]), "config")
        settings = settings | {"recordings": names}
        registry = with_defaults(registry, schema["datasets"])
        own = with_defaults({"recordings": own}, _of_recordings(schema["datasets"]))["recordings"]
        registry = entries.register(registry, own, settings["places"])
        registry = registries.expand_registry(registry)
        registries.check_references(registry, settings["datasets"])
        pins.read(settings["lock"])
        refused: list[RefusedRow] | None = [] if checking else None
        models = read_models(settings["models"], schema["models"], refused)
        models = trainings.expand_models(models, settings["training"], refused)
        if checking:
            models, unnamed = split_by_names(models, registry)
            refused += unnamed
        check_experiment(settings, registry, models, refused)
        if not checking:
            check_compared(settings, registry, models)
        check_results(paths.RESULTS)
        rows = models.to_dict("records")
        absent = missing.missing(rows, registry["datasets"], paths.RESULTS)
        absent |= trainings.missing(rows, settings["training"], paths.RESULTS)
        models = models.set_index(["model", "weights"], drop=False)
        return cls(settings, registry, models, absent, tuple(refused or ()))

    def __repr__(self) -> str:
        """Short: Snakemake prints and compares the names of the functions that rules hand over."""
        return f"Experiment({self.name!r})"

    # --- names ------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Name of the experiment, the folder of its analyses."""
        return self.settings["experiment"]

    @property
    def recordings(self) -> list[str]:
        """Names of the recordings that all networks are scored on."""
        return self.settings["recordings"]

    @property
    def recordings_with_maps(self) -> list[str]:
        """Those of them that have a grid of positions, or may have one."""
        known = self.registry["recordings"]
        return [name for name in self.recordings if not registries.lacks_grid(known[name])]

    @property
    def ranked(self) -> list[Key]:
        """Networks trained for accuracy, which is known or measured; none where they are too few."""
        networks = self.scored
        known = networks["top1"].notna() | networks["measured"].astype(bool)
        ranked = networks.index[known & ~networks["category"].isin(NOT_BASELINE)].tolist()
        return ranked if len(ranked) >= MINIMUM_MODELS else []

    @property
    def rdms(self) -> list[str]:
        """Names of the published RDMs that layers are compared with."""
        return self.settings["rdms"]

    @property
    def attention(self) -> list[str]:
        """Names of the sets of photographs with maps of human attention."""
        return self.settings["attention"]["sets"]

    @property
    def variants(self) -> list[str]:
        """Names of the variants of the analysis that are fitted beside the main one."""
        return list(self.settings["multiverse"]["variants"])

    @property
    def reversed(self) -> list[str]:
        """Recordings whose sites predict units of networks, mapping `reverse`; all of them or none."""
        return self.recordings if "reverse" in self.settings["encoding"]["mappings"] else []

    @property
    def splits(self) -> dict[str, Folds]:
        """Further folds that every network is scored on, by their names."""
        return {label_of(one): one for one in self.settings["encoding"]["splits"]}

    @property
    def divided(self) -> dict[tuple[str, str], Folds]:
        """Folds that a network makes, by the recording whose images they divide and their name."""
        encoding, variants = self.settings["encoding"], self.settings["multiverse"]["variants"]
        more = [
            *self.splits.values(),
            *(one["folds"] for one in variants.values() if "folds" in one),
        ]
        asked = [
            (name, folds_of(one, name))
            for name in self.recordings
            for one in (encoding["folds"], *more)
        ]
        return {(name, label_of(one)): one for name, one in asked if needs_network(one)}

    @property
    def concepts(self) -> dict[str, list[Key]]:
        """Networks whose concepts are looked for, by the recording that they predict."""
        settings = self.settings["concepts"]
        scored = {" ".join(key): key for key in self.scored.index}
        networks = [scored[name] for name in settings["models"] if name in scored]
        names = self.recordings if settings["recordings"] is None else settings["recordings"]
        return dict.fromkeys(names, networks) if networks else {}

    @property
    def kinds(self) -> list[str]:
        """Names of the stimuli whose images are of several kinds."""
        entries = [self.registry["recordings"][name] for name in self.recordings]
        entries += [self.registry["rdms"][name] for name in self.rdms]
        shown = dict.fromkeys(entry["stimuli"] for entry in entries)
        return [name for name in shown if "kinds" in self.registry["stimuli"][name]]

    @property
    def paired(self) -> list[str]:
        """Names of the recordings, if there are several, which may have been shown the same pictures."""
        return self.recordings if len(self.recordings) > 1 else []

    @property
    def published(self) -> list[str]:
        """Names of the tables of published scores."""
        return self.settings["published"]["tables"]

    @property
    def pages(self) -> list[str]:
        """Files about all networks and recordings: the report, where its numbers come from, and what was
        found in the recordings, whose job fails where a run would make no sense.

        Published scores alone have no report.
        """
        if not self.recordings:
            alone = [paths.PROVENANCE] if self.published else []
            return [page.format(experiment=self.name) for page in alone]
        pages = (paths.CHECKED, paths.REPORT, paths.PROVENANCE)
        return [page.format(experiment=self.name) for page in pages]

    @property
    def reported_settings(self) -> dict:
        """The settings that can change a result: all but where downloads are looked for.

        Own recordings stand there with all that their entries say.
        """
        known = self.registry["recordings"]
        recordings = [
            {"name": name} | known[name] if entries.is_own(known[name]) else name
            for name in self.recordings
        ]
        told = {key: value for key, value in self.settings.items() if key != "mirror"}
        return told | {"recordings": recordings}

    @property
    def made_otherwise(self) -> str:
        """What to tell if this experiment's results were made with other settings; else empty."""
        path = paths.PROVENANCE.format(experiment=self.name)
        if not (others := other_settings(path, self.reported_settings)):
            return ""
        more = f" and {len(others) - _MOST_TOLD} more" if len(others) > _MOST_TOLD else ""
        told = "; ".join(others[:_MOST_TOLD])
        made = f"{paths.RESULTS}/{self.name} was made with other settings"
        return f"{made}, and a run replaces what they change: {told}{more}"

    @property
    def tables(self) -> list[str]:
        """Names of the tables of this experiment."""
        return [table.name for table in TABLES if self._has(table.needs)]

    @property
    def readable_tables(self) -> list[str]:
        """Names of those that are written as CSV too."""
        return [table.name for table in TABLES if table.readable and self._has(table.needs)]

    def table_if_any(self, name: str) -> str | list:
        """Path of a table, {experiment} in it; none where the experiment has no such table."""
        path = paths.TABLE.replace("{table}", name)
        return path if name in self.tables else []

    @property
    def figures(self) -> list[str]:
        """Names of the figures of this experiment."""
        models = self.trained["model"].unique()
        names = [figure.name for figure in FIGURES if self._has(figure.needs)]
        return [
            name.format(model=model, recording=recording)
            for name in names
            for model in (models if "{model}" in name else [""])
            for recording in (self.concepts if "{recording}" in name else [""])
        ]

    def _has(self, needs: str) -> bool:
        return all(len(getattr(self, one)) > 0 for one in needs.split())

    @property
    def on_gpu(self) -> bool:
        """True if networks run on GPUs."""
        return self.settings["device"].startswith("cuda")

    @property
    def gpus(self) -> int:
        """GPUs of a job that runs a network."""
        return int(self.on_gpu)

    @property
    def extraction_threads(self) -> int:
        """Cores of a job that extracts activations; with a GPU some prepare and pack batches for it."""
        return THREADS_OF_A_GPU if self.on_gpu else 1

    @property
    def batch_size(self) -> int:
        """Images of a forward pass, where `auto` is what a CPU has and jobs do not look for more."""
        asked = self.settings["activations"]["batch_size"]
        return USUAL_BATCH if asked == "auto" else asked

    # --- code -------------------------------------------------------------------------------------

    def code_of(self, rule: str) -> Callable[[Wildcards], str]:
        """Fingerprint of a rule's code; made when a job asks, so that a job's own process makes one."""
        return lambda wildcards: _fingerprint(rule)

    def code_of_network(self, rule: str) -> Callable[[Wildcards], str]:
        """Fingerprint of a rule's code, and what the code of a job's builder is known by."""
        builder = self.cell("builder")
        return lambda wildcards: (
            f"{_fingerprint(rule)} {builder_digest(builder(wildcards))}".strip()
        )

    def fingerprints(self, wildcards: Wildcards) -> dict[str, str]:
        """Fingerprint of the code behind every rule that makes results."""
        rules = {path.stem for path in SCRIPTS.glob("*.py")} - NO_RESULTS
        return {rule: _fingerprint(rule) for rule in sorted(rules)}

    # --- jobs ------------------------------------------------------------------------------------

    def labels(self, wildcards: Wildcards) -> dict[str, str]:
        """What a job is about, for columns of its tables, by which provenance finds what is behind."""
        return {name: getattr(wildcards, name) for name in paths.LABELS if hasattr(wildcards, name)}

    def per_model(
        self, pattern: str, keys: Iterable[Key] | None = None, **names: list[str]
    ) -> list[str]:
        """Paths for every network that is scored, or those of `keys`, and every value of `names`."""
        return [
            pattern.format(
                experiment=self.name,
                model=model,
                weights=weights,
                **dict(zip(names, some, strict=True)),
            )
            for model, weights in (self.scored.index if keys is None else keys)
            for some in product(*names.values())
        ]

    def activations_of(self, wildcards: Wildcards) -> str:
        """A model's activations on the stimuli of a recording, or of published RDMs."""
        kind = "rdms" if hasattr(wildcards, "rdm") else "recordings"
        name = wildcards.rdm if kind == "rdms" else wildcards.recording
        return paths.ACTIVATIONS.format(
            stimuli=self.registry[kind][name]["stimuli"],
            model=wildcards.model,
            weights=wildcards.weights,
        )

    def shown_predictions(self, wildcards: Wildcards) -> list[str]:
        """Predictions of every shown model on every recording, recordings outermost."""
        return [
            path
            for recording in self.recordings
            for path in self.per_model(paths.PREDICTIONS, self.shown.index, recording=[recording])
        ]

    @cached_property
    def accuracies(self) -> dict[str, str]:
        """Measured accuracy of networks whose row says so, by "model weights"."""
        keys = self.scored.index[self.scored["measured"].to_numpy(bool)]
        return {" ".join(key): self.per_model(paths.ACCURACY, [key])[0] for key in keys}

    @cached_property
    def histories(self) -> dict[str, str]:
        """What trainings of scored networks noted, by "model weights"."""
        keys = [key for key in self.trained.index if key in self.scored.index]
        return {" ".join(key): paths.HISTORY.format(model=key[0], weights=key[1]) for key in keys}

    @property
    def training_notes(self) -> list[str]:
        """What the same trainings say about the weights that they kept, in the order of `histories`."""
        return [str(Path(path).with_suffix(".json")) for path in self.histories.values()]


def _of_recordings(schema: dict) -> dict:
    """The part of the registry's schema that is about recordings."""
    about = {"recordings": schema["properties"]["recordings"]}
    return {"$defs": schema["$defs"], "type": "object", "properties": about}
