"""A naive batch reading of the strategies' definitions, to compare the streaming implementation with."""
