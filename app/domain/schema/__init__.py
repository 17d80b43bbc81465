"""The database's schema: its tables, readiness checks and distribution over several nodes."""
