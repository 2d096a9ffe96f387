-- People whose roles were withdrawn, until the apps that would not let them in any more have been told.
-- Whoever changes something tells at once; what is left here is of somebody who was killed over it.
CREATE TABLE IF NOT EXISTS untold (
    id      VARCHAR(32) NOT NULL PRIMARY KEY,
    user_id VARCHAR(32) NOT NULL,
    since   BIGINT      NOT NULL,
    KEY untold_by_user (user_id),
    KEY untold_by_time (since),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
)
    ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4
    /*M! COLLATE = utf8mb4_nopad_bin */ /*!80017 COLLATE = utf8mb4_0900_bin */;
