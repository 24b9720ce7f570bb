"""What is told: documents made of the rows of the store."""
