"""Asterisk's dialplan: read (`source`), its expressions (`expressions`), and followed step by step (`translate`)."""
