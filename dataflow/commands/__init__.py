"""The commands of `ta-bot`.

Whatever is typed, all modules that hold commands are imported: they hold options, and import no more than these need.
What a command does is imported when it runs, so that nobody waits for the databases or the web framework of another.
"""
