"""The kinds of sources, one a file; `ivr.importing.registry` finds them."""
