"""Backup and restore to a point in time, by pgBackRest; docs/backup.md says how, `drill` proves it."""
