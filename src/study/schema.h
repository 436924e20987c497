// The tables of a study, one text for SQLite and PostgreSQL, and how older ones become current.
// Private to study. A user may query them with the sqlite3 program, for instance:
//   select number, word, objective, flash_bytes from trial join outcome using (outcome)
//     left join figures on trial = number order by objective desc;
#pragma once

#include <array>

namespace atml::study {

/// SQLite's application_id of a study file ("ATML"); do not change.
inline constexpr int kApplicationId = 0x41544D4C;

/// Version 1. The type names are PostgreSQL's; SQLite takes their affinity. NULL in a column of
/// numbers means NaN where the column is not optional (SQLite knows no NaN).
inline constexpr const char* kSchema1 = R"sql(
CREATE TABLE schema_version (version BIGINT NOT NULL);  -- one row
INSERT INTO schema_version VALUES (1);

CREATE TABLE outcome (outcome BIGINT PRIMARY KEY, word TEXT NOT NULL);  -- the numbers are fixed for ever
INSERT INTO outcome VALUES (0, 'running'), (1, 'measured'), (2, 'undeployable'), (3, 'diverged'),
  (4, 'build failed'), (5, 'emulation failed'), (6, 'pruned'), (7, 'cancelled'), (8, 'failed');

CREATE TABLE study (              -- one row, never changed
  name TEXT NOT NULL,
  data_name TEXT NOT NULL,        -- as given on the command line
  data_fingerprint TEXT NOT NULL, -- 16 hexadecimal digits
  target TEXT NOT NULL,
  space_text TEXT NOT NULL,       -- TOML
  settings_json TEXT NOT NULL,
  seed TEXT NOT NULL              -- decimal, 64 bit without sign
);

CREATE TABLE trial (
  number BIGINT PRIMARY KEY,      -- 0, 1, 2, ...
  why TEXT NOT NULL,              -- the strategy's explanation
  outcome BIGINT NOT NULL REFERENCES outcome,
  reason TEXT NOT NULL,
  objective DOUBLE PRECISION,     -- int8 validation metric, higher is better; NULL: none yet
  propose_seconds DOUBLE PRECISION,
  deploy_seconds DOUBLE PRECISION,
  train_seconds DOUBLE PRECISION,
  quantize_seconds DOUBLE PRECISION
);

CREATE TABLE parameter (          -- the configuration; one of the three values is set
  trial BIGINT NOT NULL REFERENCES trial,
  name TEXT NOT NULL,
  whole BIGINT,                   -- integer and ordinal parameters
  real_value DOUBLE PRECISION,
  word TEXT,                      -- categorical parameters
  PRIMARY KEY (trial, name)
);

CREATE TABLE limit_use (          -- one row a limit: flash, ram (bytes), latency (s), energy (J)
  trial BIGINT NOT NULL REFERENCES trial,
  position BIGINT NOT NULL,
  name TEXT NOT NULL,
  used DOUBLE PRECISION,
  allowed DOUBLE PRECISION,
  PRIMARY KEY (trial, position)
);

CREATE TABLE figures (            -- what deployability measured
  trial BIGINT PRIMARY KEY REFERENCES trial,
  flash_bytes BIGINT NOT NULL,
  ram_bytes BIGINT NOT NULL,
  arena_bytes BIGINT NOT NULL,
  stack_bytes BIGINT NOT NULL,
  instructions BIGINT NOT NULL,
  cycles_low BIGINT NOT NULL,
  cycles_mid BIGINT NOT NULL,
  cycles_high BIGINT NOT NULL,
  latency_s DOUBLE PRECISION,
  energy_j DOUBLE PRECISION,
  macs BIGINT NOT NULL,
  parameters BIGINT NOT NULL,
  origin TEXT NOT NULL
);

CREATE TABLE rung (
  trial BIGINT NOT NULL REFERENCES trial,
  position BIGINT NOT NULL,
  epochs BIGINT NOT NULL,
  float_metric DOUBLE PRECISION,
  objective DOUBLE PRECISION,
  train_loss DOUBLE PRECISION,
  seconds DOUBLE PRECISION,
  PRIMARY KEY (trial, position)
);

CREATE TABLE blob (               -- checkpoints, weights, models
  trial BIGINT NOT NULL REFERENCES trial,
  kind TEXT NOT NULL,
  bytes BYTEA NOT NULL,
  PRIMARY KEY (trial, kind)
);

CREATE TABLE note (name TEXT PRIMARY KEY, json TEXT NOT NULL);  -- results of the whole study
)sql";

/// kMigrations[i] turns version i + 1 into version i + 2. Never edit one that was released: add
/// one.
inline constexpr std::array<const char*, 2> kMigrations = {
    // 2: warm start. The trial whose weights a training began with; NULL: random ones.
    "ALTER TABLE trial ADD COLUMN inherits BIGINT;",
    // 3: why a trial was proposed, in numbers: JSON (study/explanation.h); NULL: not said.
    "ALTER TABLE trial ADD COLUMN explanation TEXT;"};

}  // namespace atml::study
