"""What is in a pipeline's data and what is wrong with it: a report, tables, a contact sheet."""
