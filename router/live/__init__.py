"""The live shell of the router: feeds the pure core from a clock and from Asterisk, and carries out its decisions."""
