"""Images to train on: folders of classes, tar and Parquet shards, human maps.

May import what `itcortex.training` may."""
