"""Errors, named by what the caller should do about them."""


class SkipInput(ValueError):
    """One item of input is unusable: report it, count it, skip it, go on with the next."""


class StopProgram(Exception):
    """Nothing sensible can be done until the user changes something: say so in one line and exit with 2."""


class WarmUpAgain(Exception):
    """A snapshot cannot be used: start the key cold and warm it up from history."""


class RetryLater(Exception):
    """Something outside is away or busy for now: nothing is wrong with the request, so make it again after a while."""


class ReadAgain(Exception):
    """Somebody else changed it meanwhile: read it again, and decide anew."""

    def __init__(self, message: str, version: int) -> None:
        super().__init__(message)
        self.version = version
        """The version that it has now, as far as is known; 0 where there is none."""
