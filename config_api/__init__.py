"""The sidecar that changes the configuration while the bot runs. Not yet in this version."""
