"""Replay: recorded klines through the flow into files, in one process or several, resumable."""
