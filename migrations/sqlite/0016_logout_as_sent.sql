-- A LogoutRequest names people as they were named to that SP, and where a browser goes after one.

-- Whether the NameID left as an EncryptedID (1).
ALTER TABLE participant_name_ids ADD COLUMN is_encrypted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE logout_legs ADD COLUMN is_encrypted BIGINT NOT NULL DEFAULT 0;

-- Whether an SP cannot read an EncryptedID in a LogoutRequest (1).
ALTER TABLE sp_protection ADD COLUMN plain_logout BIGINT NOT NULL DEFAULT 0;

-- The sealed flow of whoever signed in in the place of the person whose session ended; NULL where
-- nobody did.
ALTER TABLE logouts ADD COLUMN onward TEXT NULL;
