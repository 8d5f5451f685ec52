"""Where everything is kept: one port, two engines, SQLite and PostgreSQL."""
