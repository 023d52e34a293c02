"""A whole market on one machine: a NATS server, klines that arrive, and somebody who listens to the signals."""
