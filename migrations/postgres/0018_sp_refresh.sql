-- Service providers whose own metadata is read again, by itself, from the address that it came from.
CREATE TABLE sp_refresh (
    sp_id         VARCHAR(32) COLLATE "C" NOT NULL PRIMARY KEY REFERENCES service_providers (id) ON DELETE CASCADE,
    url           TEXT COLLATE "C" NOT NULL,
    -- What the next request asks with.
    etag          TEXT COLLATE "C" NULL,
    last_modified TEXT COLLATE "C" NULL,
    refreshed_at  BIGINT      NULL,
    next_at       BIGINT      NOT NULL,
    failures      BIGINT      NOT NULL,
    failure       TEXT COLLATE "C" NULL
);
CREATE INDEX sp_refresh_by_time ON sp_refresh (next_at);
