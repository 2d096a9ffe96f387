-- Sessions, which SPs have heard of them, and failed sign-ins.

CREATE TABLE IF NOT EXISTS sessions (
    id           VARCHAR(32)  NOT NULL PRIMARY KEY,
    -- SHA-256, in hex, of the secret that the browser holds.
    token_hash   VARCHAR(64)  NOT NULL UNIQUE,
    user_id      VARCHAR(32)  NOT NULL,
    signed_in_at BIGINT       NOT NULL,
    started_at   BIGINT       NOT NULL,
    last_seen_at BIGINT       NOT NULL,
    source       VARCHAR(64)  NULL,
    user_agent   VARCHAR(255) NULL,
    -- Hash of the flow that was signed in for; NULL once it is used up.
    fresh_for    VARCHAR(64)  NULL,
    KEY sessions_by_user (user_id),
    KEY sessions_by_use (last_seen_at),
    KEY sessions_by_start (started_at),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

CREATE TABLE IF NOT EXISTS participants (
    session_id    VARCHAR(32) NOT NULL,
    sp_id         VARCHAR(32) NOT NULL,
    session_index VARCHAR(64) NOT NULL,
    -- Which of the NameIDs (0004) the SP got last.
    name_id_key   VARCHAR(64) NULL,
    PRIMARY KEY (session_id, sp_id),
    FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE,
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

-- When a persistent id of this user first left for this SP (AllowCreate, Core 3.4.1.1).
CREATE TABLE IF NOT EXISTS persistent_ids (
    user_id           VARCHAR(32) NOT NULL,
    sp_id             VARCHAR(32) NOT NULL,
    first_released_at BIGINT      NOT NULL,
    PRIMARY KEY (user_id, sp_id),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

-- Failed sign-ins, for throttling. The keys are hashes; account_hash stands beside what `unlock`
-- of an account clears.
CREATE TABLE IF NOT EXISTS failures (
    key_hash     VARCHAR(64) NOT NULL PRIMARY KEY,
    account_hash VARCHAR(64) NULL,
    failed       BIGINT   NOT NULL,
    last_at      BIGINT   NOT NULL,
    KEY failures_by_account (account_hash),
    KEY failures_by_age (last_at)
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;
