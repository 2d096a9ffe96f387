-- Keys, settings, leases and the audit log.

CREATE TABLE IF NOT EXISTS data_keys (
    number        BIGINT      NOT NULL PRIMARY KEY,
    -- Which master key of the ring wraps it.
    master_key_id VARCHAR(32) NOT NULL,
    sealed        MEDIUMBLOB  NOT NULL,
    created_at    BIGINT      NOT NULL
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

CREATE TABLE IF NOT EXISTS signing_keys (
    id                 VARCHAR(32) NOT NULL PRIMARY KEY,
    state              VARCHAR(16) NOT NULL,
    -- 1 for the active key, NULL for the others: there is one active key at most.
    active_slot        BIGINT      NULL UNIQUE,
    algorithm          VARCHAR(32) NOT NULL,
    certificate        MEDIUMBLOB  NOT NULL,
    sealed_private_key MEDIUMBLOB  NOT NULL,
    created_at         BIGINT      NOT NULL,
    not_after          BIGINT      NOT NULL,
    -- Since when the key has been in its state.
    state_since        BIGINT      NOT NULL DEFAULT 0
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

CREATE TABLE IF NOT EXISTS settings (
    name  VARCHAR(64) NOT NULL PRIMARY KEY,
    value MEDIUMBLOB  NOT NULL
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

-- Work that one node at a time does.
CREATE TABLE IF NOT EXISTS leases (
    name       VARCHAR(64) NOT NULL PRIMARY KEY,
    held_until BIGINT      NOT NULL
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;
INSERT IGNORE INTO leases (name, held_until) VALUES ('clean-up', 0);

-- One row per event. The only index is the order of writing: a sign-on writes one page.
CREATE TABLE IF NOT EXISTS audit_events (
    position  BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    chain     VARCHAR(64)  NOT NULL,
    seq       BIGINT       NOT NULL,
    at        BIGINT       NOT NULL,
    kind      VARCHAR(32)  NOT NULL,
    outcome   VARCHAR(16)  NOT NULL,
    reason    VARCHAR(64)  NULL,
    actor     VARCHAR(255) NULL,
    user_name VARCHAR(255) NULL,
    sp_name   VARCHAR(255) NULL,
    source    VARCHAR(64)  NULL,
    trace     VARCHAR(64)  NULL,
    detail    MEDIUMTEXT   NULL,
    -- HMAC-SHA256 over the link before it and this row.
    link      MEDIUMBLOB   NOT NULL
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

-- Up to which position the heads of all chains have been named by the first row of a later one.
CREATE TABLE IF NOT EXISTS audit_heads_named (
    id       BIGINT NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;
INSERT IGNORE INTO audit_heads_named (id, position) VALUES (1, 0);
