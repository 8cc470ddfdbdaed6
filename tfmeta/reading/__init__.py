"""Files, tables and records -> examples."""
