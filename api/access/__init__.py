"""Who comes in: the door, sessions in browsers, single sign-on, limits."""
