"""The Petrosa originals, each on hand-made candles."""
