"""The flow live: NATS in, history from a database, signals to NATS, and what runs beside it."""
