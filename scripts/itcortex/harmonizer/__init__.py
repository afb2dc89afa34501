"""The neural harmonizer: its loss and the exact second derivatives that the loss needs.

Needs torch and nothing else of the library but `itcortex.errors`."""
