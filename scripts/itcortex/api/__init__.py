"""The public face: arrays, data frames and xarray in, tidy frames out, by the workflow's own code.

Nothing imports it but `itcortex`, which hands its names on. May import every other package.
"""
