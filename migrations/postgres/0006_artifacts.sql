-- What an artifact stands for until it is resolved (Bindings 3.6): the request, not its answer.

CREATE TABLE artifacts (
    -- SHA-256 of the handle, in hex.
    handle_hash VARCHAR(64) COLLATE "C" NOT NULL PRIMARY KEY,
    sp_id       VARCHAR(32) COLLATE "C" NOT NULL REFERENCES service_providers (id) ON DELETE CASCADE,
    -- The session that is asked about; it ends, and the artifact with it. NULL: about nobody.
    session_id  VARCHAR(32) COLLATE "C" NULL REFERENCES sessions (id) ON DELETE CASCADE,
    pending     TEXT COLLATE "C"        NOT NULL,
    expires_at  BIGINT                  NOT NULL
);
CREATE INDEX artifacts_by_session ON artifacts (session_id);
CREATE INDEX artifacts_by_sp ON artifacts (sp_id);
CREATE INDEX artifacts_by_age ON artifacts (expires_at);
