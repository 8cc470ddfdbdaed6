"""Environments as tasks: what a policy does in one, and how it is credited for that."""
