"""The layout of the project's own files. No other package knows it.

Files are written whole or not at all (see `itcortex.files`).
May import `data`, `running` and `itcortex.files`.
"""

from itcortex.store.activations import (
    Activations,
    open_activations,
    read_layer_shapes,
    write_activations,
)
from itcortex.store.arrays import (
    count_images,
    open_stimuli,
    read_arrays,
    read_digests,
    read_image_labels,
    read_pictures,
    read_rdms,
    read_recording,
    read_shape,
    read_stimuli,
    write_arrays,
    write_pictures,
    write_rdms,
    write_recording,
    write_stimuli,
)
from itcortex.store.photographs import (
    read_attention,
    read_photographs,
    write_photographs,
    write_shard,
)
from itcortex.store.stamps import read_attributes, read_stamp, write_notes
from itcortex.store.tables import (
    count_rows,
    open_rows,
    read_blocks,
    read_constants,
    read_parts,
    read_rows,
    read_table,
    write_blocks,
    write_table,
)
from itcortex.store.weights import read_weights, read_weights_attributes, write_weights

__all__ = [
    "Activations",
    "count_images",
    "count_rows",
    "open_activations",
    "open_rows",
    "open_stimuli",
    "read_arrays",
    "read_attention",
    "read_attributes",
    "read_blocks",
    "read_constants",
    "read_digests",
    "read_image_labels",
    "read_layer_shapes",
    "read_parts",
    "read_photographs",
    "read_pictures",
    "read_rdms",
    "read_recording",
    "read_rows",
    "read_shape",
    "read_stamp",
    "read_stimuli",
    "read_table",
    "read_weights",
    "read_weights_attributes",
    "write_activations",
    "write_arrays",
    "write_blocks",
    "write_notes",
    "write_photographs",
    "write_pictures",
    "write_rdms",
    "write_recording",
    "write_shard",
    "write_stimuli",
    "write_table",
    "write_weights",
]
