"""NATS JetStream: klines in, signals and dead letters out, each exactly once whatever dies in between."""
