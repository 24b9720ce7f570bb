"""The Grafana boards: made of the catalogue and the rules, written to `deploy/grafana/`, pushed to a running Grafana."""
