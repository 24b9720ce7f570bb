"""Derived series: readings computed from readings by pure functions, and the runner that keeps them up to date.

`functions` lists the functions, each a module here, with what they read; a domain's YAML names them under
`derivations`. Their results are readings like any others, under the device that their inputs come from.
"""
