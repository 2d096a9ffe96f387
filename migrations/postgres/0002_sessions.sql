-- Sessions, which SPs have heard of them, and failed sign-ins.

CREATE TABLE sessions (
    id           VARCHAR(32) COLLATE "C"  NOT NULL PRIMARY KEY,
    -- SHA-256, in hex, of the secret that the browser holds.
    token_hash   VARCHAR(64) COLLATE "C"  NOT NULL UNIQUE,
    user_id      VARCHAR(32) COLLATE "C"  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    signed_in_at BIGINT                   NOT NULL,
    started_at   BIGINT                   NOT NULL,
    last_seen_at BIGINT                   NOT NULL,
    source       VARCHAR(64) COLLATE "C"  NULL,
    user_agent   VARCHAR(255) COLLATE "C" NULL,
    -- Hash of the flow that was signed in for; NULL once it is used up.
    fresh_for    VARCHAR(64) COLLATE "C"  NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE participants (
    session_id    VARCHAR(32) COLLATE "C" NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    sp_id         VARCHAR(32) COLLATE "C" NOT NULL REFERENCES service_providers (id) ON DELETE CASCADE,
    session_index VARCHAR(64) COLLATE "C" NOT NULL,
    PRIMARY KEY (session_id, sp_id)
);

-- When a persistent id of this user first left for this SP (AllowCreate, Core 3.4.1.1).
CREATE TABLE persistent_ids (
    user_id           VARCHAR(32) COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    sp_id             VARCHAR(32) COLLATE "C" NOT NULL REFERENCES service_providers (id) ON DELETE CASCADE,
    first_released_at BIGINT                  NOT NULL,
    PRIMARY KEY (user_id, sp_id)
);

-- Failed sign-ins, for throttling. The keys are hashes; account_hash stands beside what `unlock`
-- of an account clears.
CREATE TABLE failures (
    key_hash     VARCHAR(64) COLLATE "C" NOT NULL PRIMARY KEY,
    account_hash VARCHAR(64) COLLATE "C" NULL,
    failed       BIGINT                  NOT NULL,
    last_at      BIGINT                  NOT NULL
);
CREATE INDEX failures_by_account ON failures (account_hash);
CREATE INDEX failures_by_age ON failures (last_at);
