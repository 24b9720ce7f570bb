"""Who may come in, what they may see and do, and what they did."""
