"""The database's schema: brought up to date, looked at, and spread over several machines."""
