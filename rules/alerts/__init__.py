"""The life of an alert: recorded by the engine's transitions, announced, handled by people, explained."""
