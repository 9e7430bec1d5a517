"""Speech for callers: synthesis by programs of their own, and audio as Asterisk plays it."""
