"""What is downloaded or simulated: files of the registry that jobs read, and what is behind tables."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from itcortex.data.own.entries import is_own, local_files
from itcortex.data.registry import files_of, urls_of
from itcortex.workflow import paths
from itcortex.workflow.experiment import Experiment, Wildcards
from itcortex.workflow.local_files import kept_digest, names_and_sizes

#: Wildcard that stands for the name of an entry, by its kind.
WILDCARDS = {kind: name for name, kind in paths.KINDS.items()} | {"stimuli": "stimuli"}


def path_of(entry: dict) -> str:
    """The downloaded, simulated or own file that an entry of the registry reads."""
    if is_own(entry):
        return local_files(entry)[0]
    return paths.DATA.format(dataset=entry["dataset"], file=entry["file"])


@dataclass(frozen=True, eq=False)
class DataFiles:
    """Entries of the registry and their files, by a job's wildcards and of the whole experiment."""

    ex: Experiment

    # --- of a job ---------------------------------------------------------------------------------

    def recording_entry(self, wildcards: Wildcards) -> dict:
        """The registry's entry of a job's recording."""
        return self.ex.registry["recordings"][wildcards.recording]

    def recording_file(self, wildcards: Wildcards) -> str:
        """The file that a job's recording is read from."""
        return path_of(self.recording_entry(wildcards))

    def image_table(self, wildcards: Wildcards) -> list[str]:
        """The table of the images of a recording whose file does not name them itself."""
        entry = self.recording_entry(wildcards)
        return [path_of(entry | {"file": entry["table"]})] if "table" in entry else []

    def images_shown(self, wildcards: Wildcards) -> dict:
        """The registry's entry of the stimuli that a job's recording was made with."""
        return self.ex.registry["stimuli"][self.recording_entry(wildcards)["stimuli"]]

    def labelled_images(self, wildcards: Wildcards) -> str:
        """What is known of the images that a job's recording or RDMs were made with."""
        is_rdm = hasattr(wildcards, "rdm")
        entry = self.rdm_entry(wildcards) if is_rdm else self.recording_entry(wildcards)
        return paths.IMAGES.format(stimuli=entry["stimuli"])

    def names_of_others(self, wildcards: Wildcards) -> list[str]:
        """Names of the experiment's other recordings, which may predict a job's; none of the study's."""
        among = wildcards.recording in self.ex.recordings
        return [one for one in self.ex.recordings if among and one != wildcards.recording]

    def other_recordings(self, wildcards: Wildcards) -> list[str]:
        """Those other recordings."""
        return [paths.RECORDING.format(recording=one) for one in self.names_of_others(wildcards)]

    def images_of_others(self, wildcards: Wildcards) -> list[str]:
        """What is known of the images that those others were made with."""
        recordings = self.ex.registry["recordings"]
        shown = [recordings[name]["stimuli"] for name in self.names_of_others(wildcards)]
        return [paths.IMAGES.format(stimuli=name) for name in shown]

    def predicted_by_others(self, wildcards: Wildcards) -> list[str]:
        """How well those others predict a job's recording; nothing where there are none."""
        return self._of_pairs(paths.PREDICTED_BY_OTHERS, wildcards)

    def pairs_with_others(self, wildcards: Wildcards) -> list[str]:
        """What is known of the pairs of a job's recording with those others."""
        return self._of_pairs(paths.RECORDING_PAIRS, wildcards)

    def _of_pairs(self, pattern: str, wildcards: Wildcards) -> list[str]:
        names = [wildcards.recording] if self.names_of_others(wildcards) else []
        return [pattern.format(experiment=self.ex.name, recording=name) for name in names]

    def truth(self, wildcards: Wildcards) -> list[str]:
        """The truth file, for a simulated recording."""
        entry = self.recording_entry(wildcards)
        known = entry.get("simulation") or entry["dataset"] in self.ex.settings["digits"]
        return [paths.TRUTH.format(dataset=entry["dataset"])] if known else []

    def stimuli_file(self, wildcards: Wildcards) -> str:
        """The file that a job's stimuli are read from."""
        return path_of(self.ex.registry["stimuli"][wildcards.stimuli])

    def of_stimuli(self, key: str) -> Callable[[Wildcards], Any]:
        """A function of wildcards: what the registry's entry of a job's stimuli says of `key`."""
        return lambda wildcards: self.ex.registry["stimuli"][wildcards.stimuli][key]

    def kinds(self, wildcards: Wildcards) -> dict:
        """What the registry says of the kinds of a job's stimuli; nothing where they are of one kind."""
        return self.ex.registry["stimuli"][wildcards.stimuli].get("kinds", {})

    def table_of_kinds(self, wildcards: Wildcards) -> list[str]:
        """The file that names the kinds of a job's stimuli, if there is one."""
        entry, kinds = self.ex.registry["stimuli"][wildcards.stimuli], self.kinds(wildcards)
        if is_own(entry):
            return [kinds["table"]] if "table" in kinds else []
        return [path_of(entry | {"file": kinds["table"]})] if "table" in kinds else []

    def rdm_entry(self, wildcards: Wildcards) -> dict:
        """The registry's entry of a job's RDMs."""
        return self.ex.registry["rdms"][wildcards.rdm]

    def rdm_file(self, wildcards: Wildcards) -> str:
        """The file that a job's RDMs are read from."""
        return path_of(self.rdm_entry(wildcards))

    def urls(self, wildcards: Wildcards) -> list[str]:
        """Addresses of a download, in the order in which they are tried."""
        return urls_of(self._download(wildcards))

    def of_download(self, key: str) -> Callable[[Wildcards], Any]:
        """A function of wildcards: what the registry's entry of a download says; None for nothing."""
        return lambda wildcards: self._download(wildcards).get(key)

    def _download(self, wildcards: Wildcards) -> dict:
        return self.ex.registry["datasets"][wildcards.dataset]["files"][wildcards.file]

    def digests(self, wildcards: Wildcards) -> list[str]:
        """SHA-256 of every own file or folder that a job reads: a changed one runs it again.

        A folder of which a list names a part may be large: it is known by names and sizes.
        """
        is_recording = hasattr(wildcards, "recording")
        stimuli = self.ex.registry["stimuli"]
        entry = self.recording_entry(wildcards) if is_recording else stimuli[wildcards.stimuli]
        large = [entry["path"]] if "list" in entry else []
        there = [path for path in local_files(entry) if Path(path).exists()]
        return [names_and_sizes(one) if one in large else kept_digest(one) for one in there]

    def list_of_images(self, wildcards: Wildcards) -> list[str]:
        """The file that names those pictures of a folder that were shown, if not all of them were."""
        listed = self.ex.registry["stimuli"][wildcards.stimuli].get("list", {})
        if "dataset" in listed:
            return [path_of(listed)]
        return [listed["path"]] if listed else []

    def format_of_list(self, wildcards: Wildcards) -> str:
        """Format of that file; empty without one."""
        return self.ex.registry["stimuli"][wildcards.stimuli].get("list", {}).get("format", "")

    def tables_beside(self, wildcards: Wildcards) -> list[str]:
        """Tables of images and sites that belong to an own recording."""
        return local_files(self.recording_entry(wildcards))[1:]

    # --- of the experiment ------------------------------------------------------------------------

    def own(self, kind: str) -> list[str]:
        """Names of the recordings or stimuli that are a user's own files."""
        return [name for name, entry in self.ex.registry[kind].items() if is_own(entry)]

    def published(self, kind: str) -> list[str]:
        """Names of all others."""
        return [name for name, entry in self.ex.registry[kind].items() if not is_own(entry)]

    @property
    def downloads(self) -> list[str]:
        """Downloads that the experiment needs, weights aside."""
        entries = self._entries(self.ex.recordings)
        files = {file for some in entries.values() for file in _files_of(some.values())}
        files |= {("clickme", file) for file in self._shards}
        datasets = self.ex.registry["datasets"]
        published = [(name, file) for name, file in files if not datasets[name]["simulated"]]
        return [paths.DATA.format(dataset=name, file=file) for name, file in sorted(published)]

    @property
    def datasets(self) -> dict[str, dict]:
        """Datasets that the experiment reads, by name."""
        entries = self._entries(self.ex.recordings)
        names = {entry["dataset"] for some in entries.values() for entry in some.values()}
        names |= set(self.ex.digits_in_use) | ({"clickme"} if self._shards else set())
        return {name: self.ex.registry["datasets"][name] for name in sorted(names)}

    @property
    def attributes(self) -> dict[str, dict]:
        """What is known of every recording, by name."""
        recordings = self.ex.registry["recordings"]
        return {name: recordings[name]["attributes"] for name in self.ex.recordings}

    @property
    def simulated(self) -> list[str]:
        """Names of the recordings that were simulated."""
        return [name for name, known in self.attributes.items() if known.get("simulated")]

    @property
    def stimuli_of_recordings(self) -> list[str]:
        """Prepared stimuli of every recording, in the recordings' order."""
        shown = [self.ex.registry["recordings"][name]["stimuli"] for name in self.ex.recordings]
        return [paths.STIMULI.format(stimuli=name) for name in shown]

    def stimuli_of_recording(self, wildcards: Wildcards) -> str:
        """Prepared stimuli of a job's recording."""
        return paths.STIMULI.format(stimuli=self.recording_entry(wildcards)["stimuli"])

    @property
    def pairs_of_recordings(self) -> list[str]:
        """What is known of the pairs of every recording with the others, if there are several."""
        return [
            paths.RECORDING_PAIRS.format(experiment=self.ex.name, recording=name)
            for name in self.ex.paired
        ]

    def of_kinds(self, pattern: str) -> list[str]:
        """A pattern's file for each set of stimuli whose images are of several kinds."""
        return [pattern.format(stimuli=name) for name in self.ex.kinds]

    @cached_property
    def behind_tables(self) -> dict[str, dict[str, dict]]:
        """Entries of the registry that jobs read, by kind and name."""
        return self._entries([*self.ex.recordings, *self.ex.studied_recordings])

    @property
    def files_behind_tables(self) -> list[str]:
        """Published, simulated and own files that jobs read."""
        pairs = {pair for some in self.behind_tables.values() for pair in _files_of(some.values())}
        published = [paths.DATA.format(dataset=name, file=file) for name, file in sorted(pairs)]
        entries = [entry for some in self.behind_tables.values() for entry in some.values()]
        own = {path for entry in entries if is_own(entry) for path in local_files(entry)}
        return published + sorted(own)

    @property
    def prepared_behind_tables(self) -> list[str]:
        """Recordings, RDMs and stimuli in our own form."""
        patterns = {"recordings": paths.RECORDING, "rdms": paths.RDMS, "stimuli": paths.STIMULI}
        return [
            pattern.format(**{WILDCARDS[kind]: name})
            for kind, pattern in patterns.items()
            for name in self.behind_tables[kind]
        ]

    @property
    def activations_behind_tables(self) -> list[str]:
        """Notes of activations: every network's on what it was shown, the study's on its own images."""
        shown = [self.ex.registry["recordings"][name] for name in self.ex.recordings]
        shown += [self.ex.registry["rdms"][name] for name in self.ex.rdms]
        stimuli = sorted({entry["stimuli"] for entry in shown})
        found = self.ex.per_model(paths.ACTIVATIONS_NOTES, stimuli=stimuli)
        for key in self.ex.studied.index:
            digits = self.ex.settings["digits"][self.ex.digits_of(key)]
            own = self.ex.registry["recordings"][digits["recording"]]["stimuli"]
            found += self.ex.per_model(paths.ACTIVATIONS_NOTES, [key], stimuli=[own])
        return found

    def _entries(self, recordings: list[str]) -> dict[str, dict[str, dict]]:
        """Entries by kind and name: recordings, all RDMs and attention sets, and stimuli of both."""
        registry = self.ex.registry
        shown = [registry["recordings"][name] for name in recordings]
        shown += [registry["rdms"][name] for name in self.ex.rdms]
        names = {
            "recordings": recordings,
            "rdms": self.ex.rdms,
            "attention": self.ex.attention,
            "stimuli": sorted({entry["stimuli"] for entry in shown}),
        }
        return {kind: {name: registry[kind][name] for name in some} for kind, some in names.items()}

    @property
    def _shards(self) -> list[str]:
        """Downloads of ClickMe behind all trainings of the experiment."""
        return paths.clickme_shards(self.ex.training_images)


def _files_of(entries: Iterable[dict]) -> set[tuple[str, str]]:
    return {pair for entry in entries for pair in files_of(entry)}
