"""The report: signals over their klines, and what became of them, as one page that needs no network."""
