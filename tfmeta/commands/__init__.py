"""The commands, one a file: options in, one call to the package, a report out."""
