"""How the REST endpoint is."""

from __future__ import annotations

from dataflow.finding import Finding, Part
from dataflow.rest import counts
from dataflow.rest.forwarder import RestForwarder
from state.watch import Watch

# Somebody else's server is asked less often; with the patience for an answer it is still known within 10 s.
EVERY_SECS = 4.0


def rest_part(rest: RestForwarder) -> Part:
    """Whether there is somebody, which is asked now and then, and whether signals are taken, when there are some."""
    watch = Watch("rest", rest.check, EVERY_SECS)
    counts.UP.set_function(lambda: float(watch.trouble is None))

    def probe() -> Finding:
        takes = not (rest.away or rest.refused)
        told = None if takes else "it did not take what it was sent last"
        return Finding(watch.trouble or told, details={"address": rest.endpoint.address, "takes_signals": takes})

    return Part(probe, watch)
