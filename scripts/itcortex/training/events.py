"""TensorBoard event files: the history of a training, and some of its steps, while it runs.

They are written for people who watch; the workflow reads nothing from them. The package `tensorboard`
is needed only if event files are asked for.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from itcortex.errors import UserError

EVERY = 10  # one step in ten is written
#: Columns of the history that are written for single steps.
CURVES = ("loss", "cross_entropy", "harmonization", "decay", "accuracy", "agreement",
           "gradient_norm", "saliency_std", "learning_rate")  # fmt: skip


def require_tensorboard() -> None:
    """Raise `UserError` if the package is not installed."""
    if find_spec("tensorboard") is None:
        raise UserError(
            "tensorboard: event files need the package tensorboard, which is not installed: "
            "pip install tensorboard, or leave the setting empty"
        )


class Events:
    """Writer of event files into `folder`, used in a `with` statement; without a folder it does nothing.

    A training that continues after step `done` hides the points of later steps that it had written
    before it was interrupted.
    """

    def __init__(self, folder: Path | None, done: int):
        self.folder, self.done, self._writer = folder, done, None

    def __enter__(self) -> "Events":
        """Open a new event file in the folder."""
        if self.folder is not None:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 (may be missing)

            with self._writing():
                self._writer = SummaryWriter(str(self.folder), purge_step=self.done + 1)
        return self

    def __exit__(self, *_error) -> None:
        """Write what is still in memory, and close the file."""
        if self._writer is not None:
            with self._writing():
                self._writer.close()
            self._writer = None

    def step(self, row: dict) -> None:
        """Add the loss of a step and its parts, if the step is one of those that are written."""
        if row["step"] % EVERY == 0:
            self._add("step", {name: row[name] for name in CURVES if name in row}, row["step"])

    def epoch(self, row: dict) -> None:
        """Add a row of the history at the last step of its epoch."""
        self._add("epoch", {k: v for k, v in row.items() if k != "step"}, row["step"])

    def flush(self) -> None:
        """Write to disk all that was added, so that a killed process loses nothing of it."""
        if self._writer is not None:
            with self._writing():
                self._writer.flush()

    def _add(self, group: str, values: dict, step: int) -> None:
        if self._writer is not None:
            with self._writing():
                finite = {name: v for name, v in values.items() if not math.isnan(v)}
                for name, value in finite.items():
                    self._writer.add_scalar(f"{group}/{name}", value, step)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UserError(
                f"{self.folder}: event files cannot be written ({error}); make room on the disk, or "
                "leave the setting tensorboard empty, and run again: the training continues"
            ) from error
