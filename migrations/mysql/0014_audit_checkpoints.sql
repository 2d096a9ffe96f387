-- Audit rows go by their age (audit_keep_days). For each chain whose beginning has gone: the last
-- row that went, so that the walk goes on from there.

CREATE TABLE IF NOT EXISTS audit_checkpoints (
    chain    VARCHAR(64) NOT NULL PRIMARY KEY,
    seq      BIGINT      NOT NULL,
    at       BIGINT      NOT NULL,
    link     MEDIUMBLOB  NOT NULL,
    -- HMAC-SHA256 over these, under the key of the chains.
    code     MEDIUMBLOB  NOT NULL,
    -- When the first row of a later chain, which has gone as well, named this one.
    named_at BIGINT      NULL
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;
