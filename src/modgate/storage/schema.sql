CREATE TABLE artifacts (
	namespace TEXT NOT NULL,
	name TEXT NOT NULL,
	size INTEGER NOT NULL,
	sha256 TEXT NOT NULL,
	h1 TEXT NOT NULL,
	source TEXT NOT NULL,
	stored FLOAT NOT NULL,
	evidence TEXT DEFAULT '' NOT NULL,
	PRIMARY KEY (namespace, name)
) WITHOUT ROWID;
CREATE TABLE answers (
	namespace TEXT NOT NULL,
	name TEXT NOT NULL,
	body BLOB NOT NULL,
	version TEXT NOT NULL,
	source TEXT NOT NULL,
	fetched FLOAT NOT NULL,
	expired BOOLEAN DEFAULT '0' NOT NULL,
	PRIMARY KEY (namespace, name)
) WITHOUT ROWID;
CREATE TABLE cells (
	name TEXT NOT NULL,
	value BLOB NOT NULL,
	PRIMARY KEY (name)
) WITHOUT ROWID;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version (version_num) VALUES ('0002');
