"""How the recordings of an experiment are analysed: what may differ from one to the next."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from itcortex.data.own.entries import is_own
from itcortex.data.own.headers import lacks_time
from itcortex.data.registry import FORMATS_WITHOUT_TIME
from itcortex.errors import UserError
from itcortex.tables.summary import SITEWISE
from itcortex.workflow import paths
from itcortex.workflow.experiment import Experiment, Wildcards
from itcortex.workflow.folds import Folds, folds_of, label_of, needs_network


@dataclass(frozen=True, eq=False)
class Analysis:
    """Choices for a recording: the settings', and for arrays of the digits study its own."""

    ex: Experiment

    def window(self, wildcards: Wildcards) -> list[float] | None:
        """Main window of a recording, ms after stimulus onset; None for a recording without time.

        A changed window therefore runs no job of such a recording again.
        """
        return self._window_of(wildcards.recording)

    @property
    def windows(self) -> list[list[float] | None]:
        """Main windows of all recordings, in their order."""
        return [self._window_of(name) for name in self.ex.recordings]

    def windows_of_others(self, wildcards: Wildcards) -> list[list[float] | None]:
        """Main windows of the experiment's other recordings, in their order."""
        names = [name for name in self.ex.recordings if name != wildcards.recording]
        return [self._window_of(name) for name in names]

    @property
    def site_mappings(self) -> list[str]:
        """Mappings of the experiment that predict sites, the main one first; PLS if there are none."""
        return [m for m in self.ex.settings["encoding"]["mappings"] if m in SITEWISE] or ["pls"]

    def _window_of(self, recording: str) -> list[float] | None:
        if recording in self._timeless:
            return None
        windows = self.ex.settings["encoding"]["window"]
        return windows.get(recording, windows["default"])

    def sweep(self, wildcards: Wildcards) -> dict | list:
        """Windows of a recording's time course; none for a recording without time."""
        settings = self.ex.settings["encoding"]
        return [] if wildcards.recording in self._timeless else settings["sweep"]

    @cached_property
    def _timeless(self) -> frozenset[str]:
        """Names of the recordings that certainly have no time."""
        known = self.ex.registry["recordings"].items()
        return frozenset(
            name
            for name, entry in known
            if (lacks_time(entry) if is_own(entry) else entry.get("format") in FORMATS_WITHOUT_TIME)
        )

    def folds(self, wildcards: Wildcards) -> Folds:
        """Folds over the images of a recording: `image`, how many, or what they are made of."""
        digits = self._digits.get(wildcards.recording)
        setting = self.ex.settings["encoding"]["folds"]
        return digits["folds"] if digits else folds_of(setting, wildcards.recording)

    @property
    def main_folds(self) -> str:
        """Folds of the main analysis in a word; "by recording" where recordings differ."""
        return self._in_a_word(self.ex.settings["encoding"]["folds"])

    def _in_a_word(self, setting: Folds) -> str:
        words = {label_of(folds_of(setting, name)) for name in self.ex.recordings}
        return words.pop() if len(words) == 1 else "by recording"

    def mappings(self, wildcards: Wildcards) -> list[str]:
        """Mappings of a job: those of its variant, if it has one, or the experiment's."""
        if hasattr(wildcards, "variant"):
            return self._variant(wildcards.variant)["mappings"]
        return self.ex.settings["encoding"]["mappings"]

    def folds_of_job(self, wildcards: Wildcards) -> Folds:
        """Folds of a job: those of its variant, if it has one, or the experiment's."""
        if hasattr(wildcards, "variant"):
            return self.folds_of_variant(wildcards)
        return self.folds(wildcards)

    def further_divisions(self, wildcards: Wildcards) -> list[dict]:
        """How else a recording's images are divided: the keys of the settings, protocols and folds."""
        keys = dict.fromkeys(self.ex.splits, "encoding: splits")
        keys |= {name: f"multiverse: variants: {name}" for name in self.ex.variants}
        variants = {name: self._variant(name) for name in keys}
        return [
            {
                "key": key,
                "protocol": variants[name]["protocol"],
                "folds": folds_of(variants[name]["folds"], wildcards.recording),
            }
            for name, key in keys.items()
        ]

    def protocol(self, wildcards: Wildcards) -> str:
        """Protocol of a recording; the digits study always has ours."""
        studied = wildcards.recording in self._digits
        return "corrected" if studied else self.ex.settings["encoding"]["protocol"]

    def variant(self, name: str) -> Callable[[Wildcards], Any]:
        """A function of a job's wildcards: a setting of its variant, or the experiment's."""
        return lambda wildcards: self._variant(wildcards.variant)[name]

    # --- pairs of networks ------------------------------------------------------------------------

    @property
    def variances(self) -> list[str]:
        """Shares of variance of every pair of networks on every recording, recordings outermost."""
        return [
            paths.VARIANCE.format(
                experiment=self.ex.name, recording=recording, model=first[0], weights=first[1],
                other_model=other[0], other_weights=other[1],
            )
            for recording in self.ex.recordings
            for first, other in self.ex.pairs
        ]  # fmt: skip

    def of_other(self, pattern: str) -> Callable[[Wildcards], str]:
        """A function of a job's wildcards: the file of the second network of its pair."""

        def path(wildcards: Wildcards) -> str:
            stimuli = self.ex.registry["recordings"][wildcards.recording]["stimuli"]
            return pattern.format(
                experiment=self.ex.name, recording=wildcards.recording, stimuli=stimuli,
                model=wildcards.other_model, weights=wildcards.other_weights,
            )  # fmt: skip

        return path

    def pair_labels(self, wildcards: Wildcards) -> dict[str, str]:
        """The two networks of a job, for columns of its table."""
        others = {name: getattr(wildcards, name) for name in ("other_model", "other_weights")}
        return self.ex.labels(wildcards) | others

    # --- concepts ---------------------------------------------------------------------------------

    @property
    def concepts(self) -> dict:
        """How concepts are looked for; whose they are runs no job of another network again."""
        settings = self.ex.settings["concepts"]
        return {key: settings[key] for key in settings if key not in ("models", "recordings")}

    def of_concepts(self, pattern: str, recording: str | None = None) -> list[str]:
        """Files of every network whose concepts are looked for, on one recording or on all of them."""
        return [
            path
            for name, networks in self.ex.concepts.items()
            for path in self.ex.per_model(pattern, networks, recording=[name])
            if recording in (None, name)
        ]

    def concepts_shown(self, wildcards: Wildcards) -> list[str]:
        """Files of concepts behind the figure of a recording."""
        return self.of_concepts(paths.CONCEPTS, wildcards.recording)

    # --- parts of images that a network makes -----------------------------------------------------

    def parts(self, wildcards: Wildcards) -> list[str]:
        """The table with the parts of a recording's images, if a network makes its folds."""
        return self._parts(wildcards.recording, self.folds(wildcards))

    def parts_of_variant(self, wildcards: Wildcards) -> list[str]:
        """The same for the folds of a variant."""
        return self._parts(wildcards.recording, self.folds_of_variant(wildcards))

    def _parts(self, recording: str, folds: Folds) -> list[str]:
        if not needs_network(folds):
            return []
        names = {"experiment": self.ex.name, "recording": recording, "division": label_of(folds)}
        return [paths.PARTS.format(**names)]

    @property
    def all_parts(self) -> list[str]:
        """Tables of the parts of all recordings' images, as `Experiment.divided`."""
        return [
            path for (name, _), one in self.ex.divided.items() for path in self._parts(name, one)
        ]

    @property
    def divided_stimuli(self) -> list[str]:
        """Stimuli of these recordings."""
        entries = self.ex.registry["recordings"]
        return [paths.STIMULI.format(stimuli=entries[n]["stimuli"]) for n, _ in self.ex.divided]

    def folds_of_parts(self, wildcards: Wildcards) -> Folds:
        """The folds that a job's parts make."""
        return self.ex.divided[wildcards.recording, wildcards.division]

    def dividing_activations(self, wildcards: Wildcards) -> str:
        """Activations, on a recording's stimuli, of the network that divides images."""
        network = self.ex.settings["encoding"]["divided_by"]
        if reason := self.ex.missing.get((network["model"], network["weights"])):
            raise UserError(
                f"config: encoding: divided_by: {network['model']} {network['weights']} is missing "
                f"({reason}); name another network"
            )
        stimuli = self.ex.registry["recordings"][wildcards.recording]["stimuli"]
        return paths.ACTIVATIONS.format(stimuli=stimuli, **network)

    @property
    def split_of_recordings(self) -> dict[str, str]:
        """Name of the folds of the main analysis, by recording."""
        setting = self.ex.settings["encoding"]["folds"]
        return {name: label_of(folds_of(setting, name)) for name in self.ex.recordings}

    def split_of_job(self, wildcards: Wildcards) -> str:
        """Name of the folds of a job, for its raw scores."""
        return label_of(self.folds_of_job(wildcards))

    @property
    def split_of_variants(self) -> dict[str, dict[str, str]]:
        """Name of the folds of every variant by recording, under what `variant_folds` calls them."""
        setting = {name: self._variant(name)["folds"] for name in self.ex.variants}
        return {
            self._in_a_word(one): {
                name: label_of(folds_of(one, name)) for name in self.ex.recordings
            }
            for one in setting.values()
        }

    @property
    def splits_of_jobs(self) -> list[str]:
        """Name of the folds of every job of `Experiment.splits`, outermost within a network."""
        return [n for _ in self.ex.scored.index for n in self.ex.splits for _ in self.ex.recordings]

    def folds_of_variant(self, wildcards: Wildcards) -> Folds:
        """Folds over the images of a recording in a variant."""
        return folds_of(self._variant(wildcards.variant)["folds"], wildcards.recording)

    @property
    def variant_folds(self) -> list[str]:
        """Folds of every job of every variant, variants outermost within a network."""
        return [
            self._in_a_word(self._variant(name)["folds"])
            for _ in self.ex.scored.index
            for name in self.ex.variants
            for _ in self.ex.recordings
        ]

    def _variant(self, name: str) -> dict:
        usual = {
            key: self.ex.settings["encoding"][key] for key in ("mappings", "protocol", "folds")
        }
        if name in self.ex.splits:
            return usual | {"folds": self.ex.splits[name], "mappings": usual["mappings"][:1]}
        return usual | self.ex.settings["multiverse"]["variants"][name]

    def ceiling(self, wildcards: Wildcards) -> str:
        """The ceiling that scores of a recording are divided by; in the digits study the truth."""
        if wildcards.recording in self._digits:
            return "truth"
        name = self.ex.settings["ceiling"]["name"]
        return name if isinstance(name, str) else name.get(wildcards.recording, name["default"])

    def side(self, wildcards: Wildcards) -> int | None:
        """Side to which larger maps of some stimuli are averaged before they are kept; None for none."""
        side = self.ex.settings["activations"]["side"]
        return side.get(wildcards.stimuli, side["default"]) if isinstance(side, dict) else side

    @property
    def pool(self) -> int | None:
        """Side to which maps are averaged where a recording has no grid; None for whole maps."""
        pooled = self.ex.settings["reduce"]["kind"] == "pool"
        return self.ex.settings["encoding"]["pool"] if pooled else None

    @property
    def pca(self) -> int | str | None:
        """Principal components that PLS is fitted to; None for none."""
        return self._dimensions("pca")

    @property
    def projection(self) -> dict | None:
        """Dimensions and seed of the random projection of layers; None for none."""
        seed = self.ex.settings["reduce"]["seed"]
        dimensions = self._dimensions("srp")
        return None if dimensions is None else {"dimensions": dimensions, "seed": seed}

    def _dimensions(self, kind: str) -> int | str | None:
        reduce = self.ex.settings["reduce"]
        return reduce["dimensions"] if reduce["kind"] == kind else None

    @cached_property
    def _digits(self) -> dict[str, dict]:
        """Settings of the simulated digits, by the array that was shown them."""
        return {digits["recording"]: digits for digits in self.ex.settings["digits"].values()}

    # --- mappings that are kept ---------------------------------------------------------------------

    @property
    def kept(self) -> list[str]:
        """Files of mappings, and of the responses that they predict, if the settings ask for them."""
        encoding, patterns = self.ex.settings["encoding"], []
        if encoding["keep_mappings"]:
            patterns = [paths.MAPPING]
        if encoding["predict"]:
            patterns += [paths.RESPONSES, paths.RESPONSES_CSV]
        recordings = self.ex.recordings
        return [path for p in patterns for path in self.ex.per_model(p, recording=recordings)]

    @cached_property
    def pictures(self) -> dict[str, str]:
        """The user's pictures, paths by their name in the folder; none without a folder."""
        if not self.ex.settings["encoding"]["predict"]:
            return {}
        from itcortex.data.pictures import picture_files  # noqa: PLC0415 (Pillow, for these jobs alone)

        found = picture_files(self.ex.settings["encoding"]["predict"])
        return {name: str(path) for name, path in found.items()}
