"""The domain's plain types, and what is kept per key: bars, indicators, snapshots, history."""
