"""The one kind of error that the command line shows as a sentence."""


class Correctable(Exception):
    """Something that a person can put right: the text says what, where and what to do."""
