"""A job and the machine that runs it: log, progress, stamp, GPUs, orphans, status.

May import `itcortex.files` and `itcortex.errors`."""
