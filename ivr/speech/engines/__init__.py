"""The engines of speech synthesis, one a file (see `ivr.speech.synthesis`)."""
