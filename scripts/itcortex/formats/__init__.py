"""Containers that others write, read as if they were hostile: zip, tar, MATLAB, HDF5.

May import `itcortex.errors`."""
