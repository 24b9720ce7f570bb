"""The catalogue: regions, domains, metrics, sites and devices, from YAML files."""
