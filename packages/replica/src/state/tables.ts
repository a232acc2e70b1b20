/** The version of the tables, in SQLite's own field for that. */
export const TABLES_VERSION = 1

/**
 * `pages.born` and `drops` say between which heights a page is part of the state: a page that came back after it was dropped has been born again.
 */
export const TABLES = `
  CREATE TABLE pages (hash BLOB PRIMARY KEY, bytes BLOB NOT NULL, born INTEGER NOT NULL) STRICT;
  CREATE TABLE drops (height INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (height, hash)) STRICT, WITHOUT ROWID;
  CREATE TABLE heights (height INTEGER PRIMARY KEY, root BLOB NOT NULL) STRICT;
  CREATE TABLE blocks (height INTEGER PRIMARY KEY, point BLOB NOT NULL, item BLOB NOT NULL, payload_root TEXT NOT NULL, payload BLOB NOT NULL, state_root TEXT NOT NULL) STRICT;
  CREATE INDEX blocks_by_payload ON blocks (payload_root);
  CREATE TABLE checkpoints (height INTEGER PRIMARY KEY, header BLOB NOT NULL, certified BLOB, start BLOB) STRICT;
  CREATE TABLE history (level INTEGER NOT NULL, position INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, position)) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${TABLES_VERSION};
`
