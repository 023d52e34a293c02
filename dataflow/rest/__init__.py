"""REST beside NATS: signals and alerts to an endpoint that may be slow, or away."""
