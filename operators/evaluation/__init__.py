"""What became of signals: each one followed through the bars after it, beside the same orders on bars of no meaning."""
