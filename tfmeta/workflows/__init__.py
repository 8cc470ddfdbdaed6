"""What the commands do, from Python: one function a file, named as its command."""
