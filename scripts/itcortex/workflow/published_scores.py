"""Tables of published scores: which files a job reads, and what it must know of them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from itcortex.downloads.fetch import in_mirror
from itcortex.workflow import paths
from itcortex.workflow.experiment import Experiment


@dataclass(frozen=True, eq=False)
class PublishedScores:
    """The tables of scores that an experiment names, and its own experiments that have run."""

    ex: Experiment

    @cached_property
    def entries(self) -> dict[str, dict]:
        """Entries of the registry, by name, in the order of the settings."""
        return {name: self.ex.registry["scores"][name] for name in self.ex.published}

    @property
    def files(self) -> list[str]:
        """Files of all tables, one table after the other."""
        return [path for entry in self.entries.values() for path in self._files_of(entry)]

    @property
    def downloads(self) -> list[str]:
        """Those of them that are downloaded."""
        entries = [entry for entry in self.entries.values() if "dataset" in entry]
        return [path for entry in entries for path in self._files_of(entry)]

    @property
    def tables(self) -> list[dict]:
        """Of every table its name, the format that it is read by, and how many files it has."""
        return [
            {"source": name, "format": entry["format"], "files": len(self._files_of(entry))}
            for name, entry in self.entries.items()
        ]

    @cached_property
    def ours(self) -> dict[str, str]:
        """Summary tables of our experiments that are there, by the title of their line."""
        named = self.ex.settings["published"]["ours"]
        return {title: path for title, path in named.items() if Path(path).is_file()}

    @cached_property
    def our_attention(self) -> dict[str, str]:
        """Tables of agreement with human attention that lie beside them, by the same titles."""
        beside = {
            title: Path(path).with_name("attention.parquet").as_posix()
            for title, path in self.ours.items()
        }
        return {title: path for title, path in beside.items() if Path(path).is_file()}

    @property
    def unnamed(self) -> list[str]:
        """Tables whose networks have no names: points read off a figure."""
        return [name for name, entry in self.entries.items() if entry["format"] == "figure"]

    @property
    def labels(self) -> dict[str, str]:
        """Titles of all sources, ours last."""
        published = {name: entry["label"] for name, entry in self.entries.items()}
        return published | {title: title for title in self.ours}

    @property
    def bibliography(self) -> list[dict]:
        """Label, citation and licence of every table."""
        keys = ("label", "citation", "licence")
        return [{key: entry[key] for key in keys} for entry in self.entries.values()]

    @property
    def origins(self) -> dict[str, dict]:
        """Of every table its files and what the registry says of it; of ours the files alone."""
        keys = ("label", "citation", "licence", "format")
        tables = {
            name: {key: entry[key] for key in keys} | {"files": self._files_of(entry)}
            for name, entry in self.entries.items()
        }
        ours = [self.ours, self.our_attention] if tables else []
        for title, path in (pair for some in ours for pair in some.items()):
            tables.setdefault(title, {"files": []})["files"].append(path)
        return tables

    def _files_of(self, entry: dict) -> list[str]:
        if "path" in entry:
            return [entry["path"]]
        reduced = self._use_reduced(entry)
        files = [entry["reduced"]] if reduced else entry["files"]
        return [paths.DATA.format(dataset=entry["dataset"], file=file) for file in files]

    def _use_reduced(self, entry: dict) -> bool:
        """True if the mirror is a folder that has a table's reduced form alone.

        A published file that is here already is used whatever a mirror has.
        """
        if "reduced" not in entry:
            return False
        dataset, file = entry["dataset"], entry["files"][0]
        if Path(paths.DATA.format(dataset=dataset, file=file)).is_file():
            return False
        whole, reduced = (in_mirror(f"{dataset}/{name}") for name in (file, entry["reduced"]))
        return isinstance(reduced, Path) and reduced.is_file() and not whole.is_file()
