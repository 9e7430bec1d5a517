"""Least cost of agents by interval and group, found with the closed forms and proved by simulation."""
