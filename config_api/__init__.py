"""The sidecar that changes the configuration while the bot runs."""
