"""Who is there for alerts: crews, shifts, people on duty, handovers."""
