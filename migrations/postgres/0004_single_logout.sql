-- Single logout: where SPs take it, which NameID each participant got, and logouts under way.

-- SingleLogoutService elements of a registration, in document order.
CREATE TABLE sp_slo (
    sp_id             VARCHAR(32) COLLATE "C" NOT NULL REFERENCES service_providers (id) ON DELETE CASCADE,
    position          BIGINT                  NOT NULL,
    binding           VARCHAR(16) COLLATE "C" NOT NULL,
    location          TEXT COLLATE "C"        NOT NULL,
    response_location TEXT COLLATE "C"        NULL,
    PRIMARY KEY (sp_id, position)
);

-- Which of the NameIDs below the SP got last.
ALTER TABLE participants ADD COLUMN name_id_key VARCHAR(64) COLLATE "C" NULL;

-- Every NameID that an SP has got in a session, exactly as it was sent. The key is a hash of what
-- two NameIDs are compared by: format, qualifiers (an implied one written out) and value.
CREATE TABLE participant_name_ids (
    session_id        VARCHAR(32) COLLATE "C"   NOT NULL,
    sp_id             VARCHAR(32) COLLATE "C"   NOT NULL,
    name_id_key       VARCHAR(64) COLLATE "C"   NOT NULL,
    format            VARCHAR(255) COLLATE "C"  NOT NULL,
    value             TEXT COLLATE "C"          NOT NULL,
    name_qualifier    VARCHAR(1024) COLLATE "C" NULL,
    sp_name_qualifier VARCHAR(1024) COLLATE "C" NULL,
    PRIMARY KEY (session_id, sp_id, name_id_key),
    FOREIGN KEY (session_id, sp_id) REFERENCES participants (session_id, sp_id) ON DELETE CASCADE
);
CREATE INDEX participant_name_ids_by_key ON participant_name_ids (name_id_key);

-- A logout under way: the session has ended, its participants are told one by one. It stays for a
-- day, so that an SP that asks again hears that it is done.
CREATE TABLE logouts (
    id          VARCHAR(32) COLLATE "C"  NOT NULL PRIMARY KEY,
    -- SHA-256, in hex, of the secret of the browser that is led along.
    token_hash  VARCHAR(64) COLLATE "C"  NOT NULL UNIQUE,
    user_name   VARCHAR(255) COLLATE "C" NOT NULL,
    started_at  BIGINT                   NOT NULL,
    -- Whether an administrator ended it.
    by_admin    BIGINT                   NOT NULL,
    -- The SP that asked and waits for a LogoutResponse; NULL where nobody does.
    sp_id       VARCHAR(32) COLLATE "C"  NULL REFERENCES service_providers (id) ON DELETE SET NULL,
    request_id  VARCHAR(256) COLLATE "C" NULL,
    relay_state TEXT COLLATE "C"         NULL,
    binding     VARCHAR(16) COLLATE "C"  NULL,
    answered_at BIGINT                   NULL
);
CREATE INDEX logouts_by_age ON logouts (started_at);
CREATE INDEX logouts_by_sp ON logouts (sp_id);

CREATE TABLE logout_legs (
    logout_id         VARCHAR(32) COLLATE "C"   NOT NULL REFERENCES logouts (id) ON DELETE CASCADE,
    position          BIGINT                    NOT NULL,
    sp_id             VARCHAR(32) COLLATE "C"   NOT NULL REFERENCES service_providers (id) ON DELETE CASCADE,
    state             VARCHAR(16) COLLATE "C"   NOT NULL,
    -- The ID of our LogoutRequest, once it is on its way.
    request_id        VARCHAR(64) COLLATE "C"   NULL UNIQUE,
    session_indexes   TEXT COLLATE "C"          NOT NULL,
    name_id_key       VARCHAR(64) COLLATE "C"   NULL,
    format            VARCHAR(255) COLLATE "C"  NULL,
    value             TEXT COLLATE "C"          NULL,
    name_qualifier    VARCHAR(1024) COLLATE "C" NULL,
    sp_name_qualifier VARCHAR(1024) COLLATE "C" NULL,
    PRIMARY KEY (logout_id, position)
);
CREATE INDEX logout_legs_by_key ON logout_legs (name_id_key);
CREATE INDEX logout_legs_by_sp ON logout_legs (sp_id);
