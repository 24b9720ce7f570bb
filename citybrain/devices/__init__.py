"""Devices: which may come in, with what credentials, and what each may publish."""
