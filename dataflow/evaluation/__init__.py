"""Evaluation of recorded klines: a replay whose signals are followed, and what that came to."""
