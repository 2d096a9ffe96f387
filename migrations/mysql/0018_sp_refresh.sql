-- Service providers whose own metadata is read again, by itself, from the address that it came from.
CREATE TABLE IF NOT EXISTS sp_refresh (
    sp_id         VARCHAR(32) NOT NULL PRIMARY KEY,
    url           MEDIUMTEXT  NOT NULL,
    -- What the next request asks with.
    etag          MEDIUMTEXT  NULL,
    last_modified MEDIUMTEXT  NULL,
    refreshed_at  BIGINT      NULL,
    next_at       BIGINT      NOT NULL,
    failures      BIGINT      NOT NULL,
    failure       MEDIUMTEXT  NULL,
    KEY sp_refresh_by_time (next_at),
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;
