"""Traces by OpenTelemetry, from a bar to its signals and from a request to the configuration that it changes."""
