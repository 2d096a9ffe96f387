-- Audit rows go by their age (audit_keep_days). For each chain whose beginning has gone: the last
-- row that went, so that the walk goes on from there.

CREATE TABLE audit_checkpoints (
    chain    VARCHAR(64) COLLATE "C" NOT NULL PRIMARY KEY,
    seq      BIGINT                  NOT NULL,
    at       BIGINT                  NOT NULL,
    link     BYTEA                   NOT NULL,
    -- HMAC-SHA256 over these, under the key of the chains.
    code     BYTEA                   NOT NULL,
    -- When the first row of a later chain, which has gone as well, named this one.
    named_at BIGINT                  NULL
);
