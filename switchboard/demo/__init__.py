"""`switchboard demo`: a bank at work with real SIP calls, and the simulation of the same day beside it."""
