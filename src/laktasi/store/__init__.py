"""The warehouse in DuckDB: raw, answers, staging, marts, runs, and the research copy."""
