"""The live stream: one reader of the database for all who listen."""
