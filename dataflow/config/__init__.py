"""The flow's second input: the stored configuration and its changes, each to the keys that it concerns."""
