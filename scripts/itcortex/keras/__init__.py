"""Weights that were trained in Keras: reading its HDF5 files, and where their tensors go in timm."""
