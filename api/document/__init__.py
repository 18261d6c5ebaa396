"""A complaint as one document: where it stands, what was done, and its history."""
