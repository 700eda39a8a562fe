"""The versions of the database, oldest to newest, and the step from each to the next."""
