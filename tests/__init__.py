"""Everything that shows the project right; the folders mirror the code."""
