"""The history of a centre of our own: from its records, its journals, and other programs' databases."""
