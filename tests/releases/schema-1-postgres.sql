CREATE TABLE audit (
	"offset" BIGSERIAL NOT NULL, 
	at VARCHAR(40) NOT NULL, 
	namespace VARCHAR(200) NOT NULL, 
	verb VARCHAR(40) NOT NULL, 
	subject VARCHAR(200) NOT NULL, 
	detail TEXT NOT NULL, 
	PRIMARY KEY ("offset")
);

CREATE TABLE case_revisions (
	"offset" BIGSERIAL NOT NULL, 
	case_id VARCHAR(36) NOT NULL, 
	version INTEGER NOT NULL, 
	namespace VARCHAR(200) NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	question VARCHAR(32) NOT NULL, 
	state_hash VARCHAR(32) NOT NULL, 
	reward FLOAT NOT NULL, 
	event_id VARCHAR(64), 
	body TEXT NOT NULL, 
	PRIMARY KEY ("offset"), 
	UNIQUE (case_id, version)
);

CREATE INDEX case_revisions_event ON case_revisions (event_id);

CREATE INDEX case_revisions_namespace ON case_revisions (namespace, case_id, version);

CREATE TABLE events (
	"offset" BIGSERIAL NOT NULL, 
	event_id VARCHAR(64) NOT NULL, 
	namespace VARCHAR(200) NOT NULL, 
	is_degraded BOOLEAN NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY ("offset"), 
	UNIQUE (event_id)
);

CREATE INDEX ix_events_namespace ON events (namespace);

CREATE TABLE facts (
	name VARCHAR(64) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);

CREATE TABLE outcomes (
	"offset" BIGSERIAL NOT NULL, 
	key VARCHAR(200) NOT NULL, 
	event_id VARCHAR(64) NOT NULL, 
	namespace VARCHAR(200) NOT NULL, 
	reward FLOAT, 
	body TEXT NOT NULL, 
	PRIMARY KEY ("offset"), 
	UNIQUE (key)
);

CREATE INDEX ix_outcomes_event_id ON outcomes (event_id);

CREATE INDEX outcomes_namespace ON outcomes (namespace, "offset");

CREATE TABLE policy_versions (
	"offset" BIGSERIAL NOT NULL, 
	namespace VARCHAR(200) NOT NULL, 
	estimator VARCHAR(40) NOT NULL, 
	verdict VARCHAR(16) NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY ("offset")
);

CREATE INDEX policy_versions_serving ON policy_versions (namespace, estimator, "offset");

CREATE TABLE snapshots (
	"offset" BIGSERIAL NOT NULL, 
	namespace VARCHAR(200) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	revision_offset BIGINT NOT NULL, 
	at VARCHAR(40) NOT NULL, 
	PRIMARY KEY ("offset"), 
	UNIQUE (namespace, name)
);

CREATE TABLE vectors (
	text_hash VARCHAR(32) NOT NULL, 
	encoder VARCHAR(200) NOT NULL, 
	vector BYTEA NOT NULL, 
	PRIMARY KEY (text_hash, encoder)
);

CREATE TABLE batch_changes (
	audit_offset BIGINT NOT NULL, 
	batch_id VARCHAR(36) NOT NULL, 
	case_id VARCHAR(36) NOT NULL, 
	version_before INTEGER NOT NULL, 
	version_after INTEGER NOT NULL, 
	PRIMARY KEY (audit_offset), 
	FOREIGN KEY(audit_offset) REFERENCES audit ("offset")
);

CREATE INDEX ix_batch_changes_batch_id ON batch_changes (batch_id);

CREATE INDEX ix_batch_changes_case_id ON batch_changes (case_id);

CREATE TABLE slots (
	event_id VARCHAR(64) NOT NULL, 
	slot INTEGER NOT NULL, 
	case_id VARCHAR(36), 
	similarity FLOAT NOT NULL, 
	score FLOAT NOT NULL, 
	propensity FLOAT NOT NULL, 
	is_randomised BOOLEAN NOT NULL, 
	PRIMARY KEY (event_id, slot), 
	FOREIGN KEY(event_id) REFERENCES events (event_id)
);

CREATE INDEX ix_slots_case_id ON slots (case_id);

