"""Who is told of which alert, by which way, and the record of it."""
