"""Publishing the flows: numbered versions, which of them is in force for whom, and how that changes.

`plan` has the rules, pure; `canary` the statistics of a trial, pure; `versions` keeps versions and plan, in the store
and in the engine's directory; `preparing` looks at what is to be published; `releases` is the part of a live engine.
"""
