"""The commands of `ta-bot`."""
