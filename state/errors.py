"""Errors, named by what the caller should do about them."""


class SkipInput(ValueError):
    """One item of input is unusable: report it, count it, skip it, go on with the next."""


class StopProgram(Exception):
    """Nothing sensible can be done until the user changes something: say so in one line and exit with 2."""


class WarmUpAgain(Exception):
    """A snapshot cannot be used: start the key cold and warm it up from history."""


class RetryLater(Exception):
    """Something outside is away or busy for now: nothing is wrong with the request, so make it again after a while."""
