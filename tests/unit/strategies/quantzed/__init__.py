"""The Quantzed-adapted strategies, each on hand-made candles."""
