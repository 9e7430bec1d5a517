"""Flows of other systems, read and written as ours.

Pure: texts go in, a draft of a centre comes out, with all that could not be carried over. `formats/` has one file for
each kind of source; adding a kind is adding a file.
"""
