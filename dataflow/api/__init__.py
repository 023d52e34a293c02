"""The sidecar as a program: its settings, and serving."""
