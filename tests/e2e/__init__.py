"""The command as a user runs it: files in, files and tables out."""
