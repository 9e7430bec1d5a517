"""A port that another program has."""


class PortInUse(Exception):
    """A port that the engine is to listen at is taken; the message says which, and where it is set."""
