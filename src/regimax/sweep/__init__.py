"""The sweep engine: spec → plan (stage tree) → lanes → checkpoint → store."""
