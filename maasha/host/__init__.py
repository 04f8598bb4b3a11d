"""What every daemon needs of the host it runs on: routines, interfaces, files."""
