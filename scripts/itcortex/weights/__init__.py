"""State dicts from timm, the hub, files, Keras and Python packages.

May import `downloads`, `networks`, `formats` and `itcortex.files`."""
