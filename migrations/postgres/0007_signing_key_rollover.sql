-- Rollover of signing keys: next, active, retiring; and which SP is held at which key.

-- Counts up at every change of signing_keys: what is cached about them is cached under it.
CREATE TABLE signing_key_version (
    id      BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
);
INSERT INTO signing_key_version (id, version) VALUES (1, 1);

-- Since when a key has been in its state.
ALTER TABLE signing_keys ADD COLUMN state_since BIGINT NOT NULL DEFAULT 0;
UPDATE signing_keys SET state_since = created_at;

-- SPs that are held at one key whatever is active. A key that an SP is held at cannot be removed.
CREATE TABLE sp_signing_keys (
    sp_id  VARCHAR(32) COLLATE "C" NOT NULL PRIMARY KEY REFERENCES service_providers (id) ON DELETE CASCADE,
    key_id VARCHAR(32) COLLATE "C" NOT NULL REFERENCES signing_keys (id) ON DELETE RESTRICT
);
CREATE INDEX sp_signing_keys_by_key ON sp_signing_keys (key_id);
