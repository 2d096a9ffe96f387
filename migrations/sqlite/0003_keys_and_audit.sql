-- Keys, settings, leases and the audit log.

CREATE TABLE data_keys (
    number        BIGINT      NOT NULL PRIMARY KEY,
    -- Which master key of the ring wraps it.
    master_key_id VARCHAR(32) NOT NULL,
    sealed        BLOB        NOT NULL,
    created_at    BIGINT      NOT NULL
);

CREATE TABLE signing_keys (
    id                 VARCHAR(32) NOT NULL PRIMARY KEY,
    state              VARCHAR(16) NOT NULL,
    -- 1 for the active key, NULL for the others: there is one active key at most.
    active_slot        BIGINT      NULL UNIQUE,
    algorithm          VARCHAR(32) NOT NULL,
    certificate        BLOB        NOT NULL,
    sealed_private_key BLOB        NOT NULL,
    created_at         BIGINT      NOT NULL,
    not_after          BIGINT      NOT NULL
);

CREATE TABLE settings (
    name  VARCHAR(64) NOT NULL PRIMARY KEY,
    value BLOB        NOT NULL
);

-- Work that one node at a time does.
CREATE TABLE leases (
    name       VARCHAR(64) NOT NULL PRIMARY KEY,
    held_until BIGINT      NOT NULL
);
INSERT INTO leases (name, held_until) VALUES ('clean-up', 0);

-- One row per event. The only index is the order of writing: a sign-on writes one page.
CREATE TABLE audit_events (
    position  INTEGER PRIMARY KEY,
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
    detail    TEXT         NULL,
    -- HMAC-SHA256 over the link before it and this row.
    link      BLOB         NOT NULL
);

-- Up to which position the heads of all chains have been named by the first row of a later one.
CREATE TABLE audit_heads_named (
    id       BIGINT NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL
);
INSERT INTO audit_heads_named (id, position) VALUES (1, 0);
