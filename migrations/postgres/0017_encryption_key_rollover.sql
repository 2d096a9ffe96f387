-- Keys that SPs encrypt to follow one another as signing keys do: next, active, retiring. The slot of
-- the active one is current_slot; a change counts the key version up (0007).
ALTER TABLE encryption_keys ADD COLUMN state VARCHAR(16) COLLATE "C" NOT NULL DEFAULT 'active';
ALTER TABLE encryption_keys ADD COLUMN state_since BIGINT NOT NULL DEFAULT 0;
UPDATE encryption_keys SET state = 'retiring' WHERE current_slot IS NULL;
UPDATE encryption_keys SET state_since = created_at;
