"""The sections of a report, each one file."""
