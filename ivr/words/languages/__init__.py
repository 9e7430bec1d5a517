"""The languages whose values we can put into words, one a file (see `ivr.words.language`)."""
