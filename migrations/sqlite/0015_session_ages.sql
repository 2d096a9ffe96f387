-- Sessions are cleaned up by when they were last used and by when they began.
CREATE INDEX sessions_by_use ON sessions (last_seen_at);
CREATE INDEX sessions_by_start ON sessions (started_at);
