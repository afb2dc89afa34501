"""The layout of the project's own files. No other package knows it.

Files are written whole or not at all (see `itcortex.files`).
May import `data`, `running` and `itcortex.files`.
"""

from itcortex.files import atomic_path
from itcortex.store.activations import Activations, open_activations, write_activations
from itcortex.store.arrays import (
    count_images,
    read_arrays,
    read_attributes,
    read_rdms,
    read_recording,
    read_stamp,
    read_stimuli,
    read_weights,
    read_weights_attributes,
    write_arrays,
    write_rdms,
    write_recording,
    write_stimuli,
    write_weights,
)
from itcortex.store.tables import (
    count_rows,
    read_constants,
    read_photographs,
    read_table,
    write_photographs,
    write_table,
)

__all__ = [
    "Activations",
    "atomic_path",
    "count_images",
    "count_rows",
    "open_activations",
    "read_arrays",
    "read_attributes",
    "read_constants",
    "read_photographs",
    "read_rdms",
    "read_recording",
    "read_stamp",
    "read_stimuli",
    "read_table",
    "read_weights",
    "read_weights_attributes",
    "write_activations",
    "write_arrays",
    "write_photographs",
    "write_rdms",
    "write_recording",
    "write_stimuli",
    "write_table",
    "write_weights",
]
