"""TensorBoard event files: the history of a training, and some of its steps, while it runs.

They are for whoever watches; nothing is read from them. An environment without the package
`tensorboard` is good for all who do not ask for them.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from itcortex.errors import UserError

EVERY = 10  # steps of which one is written
_CURVES = ("loss", "cross_entropy", "harmonization", "decay", "accuracy", "gradient_norm",
           "saliency_std", "learning_rate")  # fmt: skip


def require_tensorboard() -> None:
    """Raise `UserError` if the package is not installed."""
    if find_spec("tensorboard") is None:
        raise UserError(
            "tensorboard: event files need the package tensorboard, which is not installed: "
            "pip install tensorboard, or leave the setting empty"
        )


class Events:
    """Event files in `folder`, open within a `with`; nothing at all without a folder.

    A training that goes on after step `done` hides what it once wrote of later steps.
    """

    def __init__(self, folder: Path | None, done: int):
        self.folder, self.done, self._writer = folder, done, None

    def __enter__(self) -> "Events":
        """Open a new file in the folder."""
        if self.folder is not None:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 (may be missing)

            with self._writing():
                self._writer = SummaryWriter(str(self.folder), purge_step=self.done + 1)
        return self

    def __exit__(self, *_error) -> None:
        """Write what is left."""
        if self._writer is not None:
            with self._writing():
                self._writer.close()
            self._writer = None

    def step(self, row: dict) -> None:
        """One step's loss and its parts, if it is one of those that are written."""
        if row["step"] % EVERY == 0:
            self._add("step", {name: row[name] for name in _CURVES}, row["step"])

    def epoch(self, row: dict) -> None:
        """A row of the history, at the epoch's last step."""
        self._add("epoch", {k: v for k, v in row.items() if k != "step"}, row["step"])

    def flush(self) -> None:
        """Nothing that was added is lost if the process is killed from here on."""
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
                f"{self.folder}: event files cannot be written ({error}); make room, or leave "
                "tensorboard empty, and run again, which continues the training"
            ) from error
