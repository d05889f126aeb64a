"""Setting up a project: its folders, its one commented settings file, and its private file."""
