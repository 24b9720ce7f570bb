"""The rule files: read, checked as a whole and resolved to what the engine works with."""
