"""The floor: what the same work costs with Litestar, msgspec, sqlite3 and hand-written SQL, and nothing else."""
