"""Pages of domains as the API tells them: their structure, and what their panels show."""
