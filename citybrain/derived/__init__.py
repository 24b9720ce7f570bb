"""Derived series: readings computed from readings by pure functions, and the runner that keeps them up to date.

A derivation is a module here with `INPUTS` (metric names), `hourly` and `daily`; a domain's YAML names it under
`derivations`. Its results are readings like any others, under the device that its inputs come from.
"""
