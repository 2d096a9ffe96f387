-- A LogoutRequest names people as they were named to that SP, and where a browser goes after one: the
-- columns stand in their tables from the start (0004, 0005), since a column cannot be added twice.
DO 0;
