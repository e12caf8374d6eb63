/**
 * The journal's schema, one migration an entry; entry N brings a journal from version N to N + 1. Never edit one that
 * was released. Amounts are decimal text (a wei amount overflows an SQL integer), times are milliseconds.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE cursors (
    name TEXT PRIMARY KEY CHECK (name IN ('scanned', 'audited')),
    block_number INTEGER NOT NULL,
    block_hash TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE blocks (
    block_number INTEGER PRIMARY KEY,
    block_hash TEXT NOT NULL
  ) STRICT;

  CREATE TABLE tasks (
    task TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'open' CHECK (
      state = 'open' OR state = 'closed' OR state = 'ignored' OR state = 'vanished'),
    reason TEXT NOT NULL DEFAULT '',
    seen_block INTEGER,
    settled_block INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tasks_seen ON tasks (seen_block) WHERE seen_block IS NOT NULL;
  CREATE INDEX tasks_settled ON tasks (settled_block) WHERE settled_block IS NOT NULL;
  CREATE INDEX tasks_open ON tasks (task) WHERE state = 'open';

  CREATE TABLE responses (
    response TEXT PRIMARY KEY,
    task TEXT NOT NULL REFERENCES tasks (task),
    seen_block INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX responses_seen ON responses (seen_block) WHERE seen_block IS NOT NULL;
  CREATE INDEX responses_by_task ON responses (task);

  CREATE TABLE verdicts (
    id INTEGER PRIMARY KEY,
    task TEXT NOT NULL REFERENCES tasks (task),
    response TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind = 'confirm' OR kind = 'reject' OR kind = 'wait' OR kind = 'hold'),
    reason TEXT NOT NULL,
    until INTEGER,
    policy TEXT NOT NULL,
    policy_digest TEXT NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('shadow', 'enforce')),
    block_number INTEGER NOT NULL,
    block_hash TEXT NOT NULL,
    payload_digest TEXT NOT NULL,
    payment TEXT NOT NULL,
    response_digest TEXT NOT NULL,
    provider TEXT,
    waits_for TEXT CHECK (waits_for IN ('document', 'window')),
    facts_digest TEXT NOT NULL DEFAULT '',
    decided_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX verdicts_by_task ON verdicts (task, response);
  CREATE INDEX verdicts_by_provider ON verdicts (provider) WHERE provider IS NOT NULL;
  CREATE TRIGGER verdicts_are_kept BEFORE DELETE ON verdicts
    BEGIN SELECT RAISE(ABORT, 'verdicts are append-only'); END;
  CREATE TRIGGER verdicts_are_final BEFORE UPDATE ON verdicts
    BEGIN SELECT RAISE(ABORT, 'verdicts are append-only'); END;

  CREATE TABLE verdict_facts (
    verdict_id INTEGER PRIMARY KEY REFERENCES verdicts (id),
    json TEXT NOT NULL
  ) STRICT;

  CREATE TABLE held_answers (
    verdict_id INTEGER PRIMARY KEY REFERENCES verdicts (id),
    task TEXT NOT NULL REFERENCES tasks (task),
    response TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind = 'approve' OR kind = 'reject' OR kind = 'expire'),
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    answered_at INTEGER NOT NULL,
    applied_by INTEGER REFERENCES verdicts (id)
  ) STRICT;
  CREATE INDEX held_answers_open ON held_answers (task) WHERE applied_by IS NULL;

  CREATE TABLE confirmations (
    id INTEGER PRIMARY KEY,
    task TEXT NOT NULL REFERENCES tasks (task),
    response TEXT NOT NULL,
    verdict_id INTEGER NOT NULL UNIQUE REFERENCES verdicts (id),
    payment TEXT NOT NULL,
    response_digest TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'intended' CHECK (
      state = 'intended' OR state = 'signed' OR state = 'broadcast' OR state = 'mined' OR state = 'final' OR
      state = 'superseded' OR state = 'rejected' OR state = 'cancelled' OR state = 'dead'),
    reason TEXT NOT NULL DEFAULT '',
    nonce INTEGER,
    mined_hash TEXT,
    mined_block INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX one_confirmation_per_task ON confirmations (task) WHERE state NOT IN ('rejected', 'cancelled');
  CREATE INDEX confirmations_unsettled ON confirmations (id)
    WHERE state IN ('intended', 'signed', 'broadcast', 'mined');

  CREATE TABLE attempts (
    hash TEXT PRIMARY KEY,
    confirmation_id INTEGER NOT NULL REFERENCES confirmations (id),
    ordinal INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('confirm', 'cancel')),
    nonce INTEGER NOT NULL,
    raw TEXT NOT NULL,
    signed_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX attempts_in_order ON attempts (confirmation_id, ordinal);

  CREATE TABLE nonces (
    signer TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    confirmation_id INTEGER NOT NULL REFERENCES confirmations (id),
    PRIMARY KEY (signer, nonce)
  ) STRICT, WITHOUT ROWID;

  CREATE TRIGGER what_was_signed_is_never_rejected BEFORE UPDATE OF state ON confirmations
    WHEN NEW.state = 'rejected' AND EXISTS (SELECT 1 FROM attempts WHERE confirmation_id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'a signed confirmation cannot be rejected'); END;
  CREATE TRIGGER settled_confirmations_stay BEFORE UPDATE OF state ON confirmations
    WHEN OLD.state IN ('final', 'superseded', 'rejected', 'cancelled', 'dead') AND NEW.state <> OLD.state
    BEGIN SELECT RAISE(ABORT, 'a settled confirmation cannot change'); END;
  `,
  `
  ALTER TABLE confirmations ADD COLUMN admitted_at INTEGER;
  UPDATE confirmations SET admitted_at = (SELECT max(signed_at) FROM attempts WHERE confirmation_id = confirmations.id);
  CREATE INDEX confirmations_admitted ON confirmations (admitted_at) WHERE admitted_at IS NOT NULL;

  CREATE TABLE gas_costs (
    signer TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    wei TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (signer, nonce)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX gas_costs_by_time ON gas_costs (at);

  CREATE TABLE fillers (
    hash TEXT PRIMARY KEY,
    signer TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    raw TEXT NOT NULL,
    signed_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX fillers_by_nonce ON fillers (signer, nonce);
  CREATE INDEX nonces_by_confirmation ON nonces (confirmation_id);
  `,
  `
  ALTER TABLE tasks ADD COLUMN settled_since INTEGER;
  ALTER TABLE tasks ADD COLUMN pruned_at INTEGER;
  CREATE INDEX tasks_settled_since ON tasks (settled_since) WHERE settled_since IS NOT NULL;
  CREATE INDEX tasks_not_yet_settled ON tasks (state) WHERE settled_since IS NULL AND pruned_at IS NULL;

  CREATE INDEX held_answers_applied ON held_answers (applied_by) WHERE applied_by IS NOT NULL;

  CREATE TABLE pruned_histories (
    provider TEXT PRIMARY KEY,
    seen INTEGER NOT NULL,
    approved INTEGER NOT NULL,
    rejected INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE pruned_prices (
    verdict_id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    payment TEXT NOT NULL
  ) STRICT;
  CREATE INDEX pruned_prices_by_provider ON pruned_prices (provider, verdict_id);

  DROP TRIGGER verdicts_are_kept;
  CREATE TRIGGER verdicts_are_kept BEFORE DELETE ON verdicts
    WHEN NOT EXISTS (SELECT 1 FROM tasks WHERE task = OLD.task AND pruned_at IS NOT NULL)
    BEGIN SELECT RAISE(ABORT, 'verdicts are append-only'); END;
  CREATE TRIGGER pruned_tasks_are_never_paid BEFORE INSERT ON confirmations
    WHEN EXISTS (SELECT 1 FROM tasks WHERE task = NEW.task AND pruned_at IS NOT NULL)
    BEGIN SELECT RAISE(ABORT, 'a pruned task cannot be paid'); END;
  CREATE TRIGGER pruned_tasks_stay_settled BEFORE UPDATE OF state ON tasks
    WHEN OLD.pruned_at IS NOT NULL AND NEW.state NOT IN ('closed', 'ignored')
    BEGIN SELECT RAISE(ABORT, 'a pruned task cannot open again'); END;
  CREATE TRIGGER pruned_tasks_stay BEFORE DELETE ON tasks
    WHEN OLD.pruned_at IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'what is left of a pruned task is kept'); END;
  `,
  `
  CREATE TABLE pauses (
    id INTEGER PRIMARY KEY,
    action TEXT NOT NULL CHECK (action IN ('pause', 'resume')),
    by TEXT NOT NULL CHECK (by IN ('operator', 'reverts')),
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT;
  CREATE TRIGGER pauses_are_kept BEFORE DELETE ON pauses
    BEGIN SELECT RAISE(ABORT, 'pauses are append-only'); END;
  CREATE TRIGGER pauses_are_final BEFORE UPDATE ON pauses
    BEGIN SELECT RAISE(ABORT, 'pauses are append-only'); END;
  INSERT INTO pauses (action, by, who, why, at)
    SELECT 'pause', value ->> 'by', '', value ->> 'why', value ->> 'at' FROM meta WHERE key = 'pause';
  DELETE FROM meta WHERE key = 'pause';
  `,
  `
  ALTER TABLE confirmations ADD COLUMN offered TEXT;
  `,
  `
  ALTER TABLE attempts ADD COLUMN signer TEXT;
  UPDATE attempts SET signer = (
    SELECT n.signer FROM nonces n WHERE n.confirmation_id = attempts.confirmation_id AND n.nonce = attempts.nonce
    GROUP BY n.nonce HAVING count(*) = 1);

  CREATE TABLE leases (
    signer TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    token INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER lease_tokens_only_grow BEFORE UPDATE OF token ON leases WHEN NEW.token < OLD.token
    BEGIN SELECT RAISE(ABORT, 'the token of a lease only grows'); END;
  CREATE TRIGGER leases_are_kept BEFORE DELETE ON leases
    BEGIN SELECT RAISE(ABORT, 'a lease is kept: its token guards against writers of before'); END;
  `,
  `
  CREATE INDEX confirmations_by_task ON confirmations (task);
  CREATE INDEX held_answers_by_task ON held_answers (task);
  CREATE INDEX verdicts_by_time ON verdicts (decided_at);
  CREATE INDEX tasks_opened_again ON tasks (state) WHERE settled_since IS NOT NULL AND state IN ('open', 'vanished');
  `,
  // By their hashes they came to stand all over the table, a page of the disk for each. That no two have the same bytes follows
  // from the nonces: one belongs to one confirmation.
  `
  DROP TRIGGER what_was_signed_is_never_rejected;
  CREATE TABLE attempts_in_turn (
    confirmation_id INTEGER NOT NULL REFERENCES confirmations (id),
    ordinal INTEGER NOT NULL,
    hash TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('confirm', 'cancel')),
    nonce INTEGER NOT NULL,
    raw TEXT NOT NULL,
    signed_at INTEGER NOT NULL,
    signer TEXT,
    PRIMARY KEY (confirmation_id, ordinal)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO attempts_in_turn SELECT confirmation_id, ordinal, hash, kind, nonce, raw, signed_at, signer FROM attempts;
  DROP TABLE attempts;
  ALTER TABLE attempts_in_turn RENAME TO attempts;
  CREATE TRIGGER what_was_signed_is_never_rejected BEFORE UPDATE OF state ON confirmations
    WHEN NEW.state = 'rejected' AND EXISTS (SELECT 1 FROM attempts WHERE confirmation_id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'a signed confirmation cannot be rejected'); END;
  `,
  // Only the words of the reason said so before.
  `
  ALTER TABLE confirmations ADD COLUMN withdrawn INTEGER NOT NULL DEFAULT 0;
  UPDATE confirmations SET withdrawn = 1 WHERE state = 'rejected' AND reason LIKE 'withdrawn by %';
  `,
  // A provider's past was counted at each look, from all its verdicts.
  `
  CREATE TABLE provider_histories (
    provider TEXT PRIMARY KEY,
    seen INTEGER NOT NULL,
    approved INTEGER NOT NULL,
    rejected INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO provider_histories
    SELECT provider, sum(seen), sum(approved), sum(rejected) FROM (
      SELECT provider, count(DISTINCT response) AS seen,
        count(DISTINCT CASE kind WHEN 'confirm' THEN response END) AS approved,
        count(DISTINCT CASE kind WHEN 'reject' THEN response END) AS rejected
      FROM verdicts WHERE provider IS NOT NULL AND kind <> 'wait' GROUP BY provider
      UNION ALL SELECT provider, seen, approved, rejected FROM pruned_histories) counted
    GROUP BY provider;
  DROP TABLE pruned_histories;
  DROP INDEX verdicts_by_provider;
  CREATE INDEX verdicts_approved ON verdicts (provider, id) WHERE kind = 'confirm';

  CREATE TRIGGER verdicts_are_counted AFTER INSERT ON verdicts
    WHEN NEW.provider IS NOT NULL AND NEW.kind <> 'wait'
    BEGIN
      INSERT INTO provider_histories (provider, seen, approved, rejected)
        SELECT NEW.provider, count(*) = 0,
          NEW.kind = 'confirm' AND count(CASE kind WHEN 'confirm' THEN 1 END) = 0,
          NEW.kind = 'reject' AND count(CASE kind WHEN 'reject' THEN 1 END) = 0
        FROM verdicts
        WHERE task = NEW.task AND response = NEW.response AND provider = NEW.provider AND kind <> 'wait' AND id < NEW.id
      ON CONFLICT (provider) DO UPDATE SET
        seen = seen + excluded.seen, approved = approved + excluded.approved, rejected = rejected + excluded.rejected;
    END;
  `,
  // Of a list of more than two words that a constraint, an index or a trigger asks for, SQLite builds a table for each row, which takes
  // longer than the change itself: so the words stand one by one here, and in the tables above. (A journal from before 0.1.0 keeps
  // the lists of its tables.)
  `
  DROP INDEX confirmations_unsettled;
  CREATE INDEX confirmations_unsettled ON confirmations (id)
    WHERE state = 'intended' OR state = 'signed' OR state = 'broadcast' OR state = 'mined';
  DROP TRIGGER settled_confirmations_stay;
  CREATE TRIGGER settled_confirmations_stay BEFORE UPDATE OF state ON confirmations
    WHEN NEW.state <> OLD.state AND (
      OLD.state = 'final' OR OLD.state = 'superseded' OR OLD.state = 'rejected' OR OLD.state = 'cancelled' OR OLD.state = 'dead')
    BEGIN SELECT RAISE(ABORT, 'a settled confirmation cannot change'); END;
  `,
];
