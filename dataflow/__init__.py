"""The graph on one page, its sources and sinks, the settings and the command line."""
