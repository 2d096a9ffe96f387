-- Service providers whose own metadata is read again, by itself, from the address that it came from.
CREATE TABLE sp_refresh (
    sp_id         VARCHAR(32) NOT NULL PRIMARY KEY REFERENCES service_providers (id) ON DELETE CASCADE,
    url           TEXT        NOT NULL,
    -- What the next request asks with.
    etag          TEXT        NULL,
    last_modified TEXT        NULL,
    refreshed_at  BIGINT      NULL,
    next_at       BIGINT      NOT NULL,
    failures      BIGINT      NOT NULL,
    failure       TEXT        NULL
) WITHOUT ROWID;
CREATE INDEX sp_refresh_by_time ON sp_refresh (next_at);
