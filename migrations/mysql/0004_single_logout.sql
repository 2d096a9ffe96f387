-- Single logout: where SPs take it, which NameID each participant got, and logouts under way.

-- SingleLogoutService elements of a registration, in document order.
CREATE TABLE IF NOT EXISTS sp_slo (
    sp_id             VARCHAR(32) NOT NULL,
    position          BIGINT      NOT NULL,
    binding           VARCHAR(16) NOT NULL,
    location          MEDIUMTEXT  NOT NULL,
    response_location MEDIUMTEXT  NULL,
    PRIMARY KEY (sp_id, position),
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

-- Every NameID that an SP has got in a session, exactly as it was sent. The key is a hash of what
-- two NameIDs are compared by: format, qualifiers (an implied one written out) and value.
CREATE TABLE IF NOT EXISTS participant_name_ids (
    session_id        VARCHAR(32)   NOT NULL,
    sp_id             VARCHAR(32)   NOT NULL,
    name_id_key       VARCHAR(64)   NOT NULL,
    format            VARCHAR(255)  NOT NULL,
    value             MEDIUMTEXT    NOT NULL,
    name_qualifier    VARCHAR(1024) NULL,
    sp_name_qualifier VARCHAR(1024) NULL,
    -- Whether the NameID left as an EncryptedID (1).
    is_encrypted      BIGINT        NOT NULL DEFAULT 0,
    PRIMARY KEY (session_id, sp_id, name_id_key),
    FOREIGN KEY (session_id, sp_id) REFERENCES participants (session_id, sp_id) ON DELETE CASCADE,
    KEY participant_name_ids_by_key (name_id_key)
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

-- A logout under way: the session has ended, its participants are told one by one. It stays for a
-- day, so that an SP that asks again hears that it is done.
CREATE TABLE IF NOT EXISTS logouts (
    id          VARCHAR(32)  NOT NULL PRIMARY KEY,
    -- SHA-256, in hex, of the secret of the browser that is led along.
    token_hash  VARCHAR(64)  NOT NULL UNIQUE,
    user_name   VARCHAR(255) NOT NULL,
    started_at  BIGINT       NOT NULL,
    -- Whether an administrator ended it.
    by_admin    BIGINT       NOT NULL,
    -- The SP that asked and waits for a LogoutResponse; NULL where nobody does.
    sp_id       VARCHAR(32)  NULL,
    request_id  VARCHAR(256) NULL,
    relay_state MEDIUMTEXT   NULL,
    binding     VARCHAR(16)  NULL,
    answered_at BIGINT       NULL,
    -- The sealed flow of whoever signed in in the place of the person whose session ended; NULL
    -- where nobody did.
    onward      MEDIUMTEXT   NULL,
    KEY logouts_by_age (started_at),
    KEY logouts_by_sp (sp_id),
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE SET NULL
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;

CREATE TABLE IF NOT EXISTS logout_legs (
    logout_id         VARCHAR(32)   NOT NULL,
    position          BIGINT        NOT NULL,
    sp_id             VARCHAR(32)   NOT NULL,
    state             VARCHAR(16)   NOT NULL,
    -- The ID of our LogoutRequest, once it is on its way.
    request_id        VARCHAR(64)   NULL UNIQUE,
    session_indexes   MEDIUMTEXT    NOT NULL,
    name_id_key       VARCHAR(64)   NULL,
    format            VARCHAR(255)  NULL,
    value             MEDIUMTEXT    NULL,
    name_qualifier    VARCHAR(1024) NULL,
    sp_name_qualifier VARCHAR(1024) NULL,
    is_encrypted      BIGINT        NOT NULL DEFAULT 0,
    PRIMARY KEY (logout_id, position),
    KEY logout_legs_by_key (name_id_key),
    KEY logout_legs_by_sp (sp_id),
    FOREIGN KEY (logout_id) REFERENCES logouts (id) ON DELETE CASCADE,
    FOREIGN KEY (sp_id) REFERENCES service_providers (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;
