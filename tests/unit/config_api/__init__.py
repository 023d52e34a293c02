"""The sidecar: who may what, how often, and what is found to be wrong."""
