-- What an artifact stands for until it is resolved (Bindings 3.6): the request, not its answer.

CREATE TABLE IF NOT EXISTS artifacts (
    -- SHA-256 of the handle, in hex.
    handle_hash VARCHAR(64) NOT NULL PRIMARY KEY,
    sp_id       VARCHAR(32) NOT NULL,
    -- The session that is asked about; it ends, and the artifact with it. NULL: about nobody.
    session_id  VARCHAR(32) NULL,
    pending     MEDIUMTEXT  NOT NULL,
    expires_at  BIGINT      NOT NULL,
    KEY artifacts_by_session (session_id),
    KEY artifacts_by_sp (sp_id),
    KEY artifacts_by_age (expires_at),
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE,
    FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;
