"""The boards of a Grafana: made of catalogue and rules, written to `deploy/grafana/`, pushed to a running Grafana."""
