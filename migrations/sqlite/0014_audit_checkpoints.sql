-- Audit rows go by their age (audit_keep_days). For each chain whose beginning has gone: the last
-- row that went, so that the walk goes on from there.

CREATE TABLE audit_checkpoints (
    chain    VARCHAR(64) NOT NULL PRIMARY KEY,
    seq      BIGINT      NOT NULL,
    at       BIGINT      NOT NULL,
    link     BLOB        NOT NULL,
    -- HMAC-SHA256 over these, under the key of the chains.
    code     BLOB        NOT NULL,
    -- When the first row of a later chain, which has gone as well, named this one.
    named_at BIGINT      NULL
);
