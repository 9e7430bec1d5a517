"""What the benchmarks with real calls share: Asterisk, the engine and SIPp, and what is measured of them."""
