"""One active instance among several: a lease in NATS, and what follows from having it or not."""
