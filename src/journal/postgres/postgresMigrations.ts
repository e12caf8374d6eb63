/**
 * The journal's schema for PostgreSQL. Its versions are those of `migrations.ts`: what an entry there changes, an entry
 * here must, too (a test compares the two databases). The first brings an empty database to the version that was the
 * newest when PostgreSQL came. Never edit one that was released.
 *
 * What SQLite keeps as INTEGER is BIGINT; text is compared byte by byte, as SQLite does; `rowid` is the order of insertion.
 * `holder` is PostgreSQL's alone: which daemon holds the journal, and how much it has written (see `writeLedger.ts`).
 */
export const postgresMigrations: readonly { readonly to: number; readonly sql: string }[] = [
  {
    to: 6,
    sql: `
  CREATE DOMAIN words AS TEXT COLLATE "C";

  CREATE TABLE holder (
    one BOOLEAN PRIMARY KEY DEFAULT true CHECK (one),
    token BIGINT NOT NULL,
    written BIGINT NOT NULL
  );
  INSERT INTO holder (token, written) VALUES (0, 0);

  CREATE TABLE meta (key words PRIMARY KEY, value words NOT NULL);

  CREATE TABLE cursors (
    name words PRIMARY KEY CHECK (name IN ('scanned', 'audited')),
    block_number BIGINT NOT NULL,
    block_hash words NOT NULL
  );

  CREATE TABLE blocks (block_number BIGINT PRIMARY KEY, block_hash words NOT NULL);

  CREATE TABLE tasks (
    task words PRIMARY KEY,
    source words NOT NULL,
    state words NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'ignored', 'vanished')),
    reason words NOT NULL DEFAULT '',
    seen_block BIGINT,
    settled_block BIGINT,
    settled_since BIGINT,
    pruned_at BIGINT
  );
  CREATE INDEX tasks_seen ON tasks (seen_block) WHERE seen_block IS NOT NULL;
  CREATE INDEX tasks_settled ON tasks (settled_block) WHERE settled_block IS NOT NULL;
  CREATE INDEX tasks_open ON tasks (task) WHERE state = 'open';
  CREATE INDEX tasks_settled_since ON tasks (settled_since) WHERE settled_since IS NOT NULL;
  CREATE INDEX tasks_not_yet_settled ON tasks (state) WHERE settled_since IS NULL AND pruned_at IS NULL;

  CREATE TABLE responses (
    response words PRIMARY KEY,
    task words NOT NULL REFERENCES tasks (task),
    seen_block BIGINT
  );
  CREATE INDEX responses_seen ON responses (seen_block) WHERE seen_block IS NOT NULL;
  CREATE INDEX responses_by_task ON responses (task);

  CREATE TABLE verdicts (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task words NOT NULL REFERENCES tasks (task),
    response words NOT NULL,
    kind words NOT NULL CHECK (kind IN ('confirm', 'reject', 'wait', 'hold')),
    reason words NOT NULL,
    until BIGINT,
    policy words NOT NULL,
    policy_digest words NOT NULL,
    mode words NOT NULL CHECK (mode IN ('shadow', 'enforce')),
    block_number BIGINT NOT NULL,
    block_hash words NOT NULL,
    payload_digest words NOT NULL,
    payment words NOT NULL,
    response_digest words NOT NULL,
    provider words,
    waits_for words CHECK (waits_for IN ('document', 'window')),
    facts_digest words NOT NULL DEFAULT '',
    decided_at BIGINT NOT NULL
  );
  CREATE INDEX verdicts_by_task ON verdicts (task, response);
  CREATE INDEX verdicts_by_provider ON verdicts (provider) WHERE provider IS NOT NULL;

  CREATE TABLE verdict_facts (verdict_id BIGINT PRIMARY KEY REFERENCES verdicts (id), json words NOT NULL);

  CREATE TABLE held_answers (
    verdict_id BIGINT PRIMARY KEY REFERENCES verdicts (id),
    task words NOT NULL REFERENCES tasks (task),
    response words NOT NULL,
    kind words NOT NULL CHECK (kind IN ('approve', 'reject', 'expire')),
    who words NOT NULL,
    why words NOT NULL,
    answered_at BIGINT NOT NULL,
    applied_by BIGINT REFERENCES verdicts (id)
  );
  CREATE INDEX held_answers_open ON held_answers (task) WHERE applied_by IS NULL;
  CREATE INDEX held_answers_applied ON held_answers (applied_by) WHERE applied_by IS NOT NULL;

  CREATE TABLE confirmations (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task words NOT NULL REFERENCES tasks (task),
    response words NOT NULL,
    verdict_id BIGINT NOT NULL UNIQUE REFERENCES verdicts (id),
    payment words NOT NULL,
    response_digest words NOT NULL,
    state words NOT NULL DEFAULT 'intended' CHECK (
      state IN ('intended', 'signed', 'broadcast', 'mined', 'final', 'superseded', 'rejected', 'cancelled', 'dead')),
    reason words NOT NULL DEFAULT '',
    nonce BIGINT,
    mined_hash words,
    mined_block BIGINT,
    admitted_at BIGINT,
    offered words
  );
  CREATE UNIQUE INDEX one_confirmation_per_task ON confirmations (task) WHERE state NOT IN ('rejected', 'cancelled');
  CREATE INDEX confirmations_unsettled ON confirmations (id)
    WHERE state IN ('intended', 'signed', 'broadcast', 'mined');
  CREATE INDEX confirmations_admitted ON confirmations (admitted_at) WHERE admitted_at IS NOT NULL;

  CREATE TABLE attempts (
    hash words PRIMARY KEY,
    confirmation_id BIGINT NOT NULL REFERENCES confirmations (id),
    ordinal BIGINT NOT NULL,
    kind words NOT NULL CHECK (kind IN ('confirm', 'cancel')),
    nonce BIGINT NOT NULL,
    raw words NOT NULL,
    signed_at BIGINT NOT NULL,
    signer words
  );
  CREATE UNIQUE INDEX attempts_in_order ON attempts (confirmation_id, ordinal);

  CREATE TABLE nonces (
    signer words NOT NULL,
    nonce BIGINT NOT NULL,
    confirmation_id BIGINT NOT NULL REFERENCES confirmations (id),
    PRIMARY KEY (signer, nonce)
  );
  CREATE INDEX nonces_by_confirmation ON nonces (confirmation_id);

  CREATE TABLE gas_costs (
    signer words NOT NULL,
    nonce BIGINT NOT NULL,
    wei words NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (signer, nonce)
  );
  CREATE INDEX gas_costs_by_time ON gas_costs (at);

  CREATE TABLE fillers (
    rowid BIGINT GENERATED ALWAYS AS IDENTITY,
    hash words PRIMARY KEY,
    signer words NOT NULL,
    nonce BIGINT NOT NULL,
    raw words NOT NULL,
    signed_at BIGINT NOT NULL
  );
  CREATE INDEX fillers_by_nonce ON fillers (signer, nonce);

  CREATE TABLE pruned_histories (
    provider words PRIMARY KEY,
    seen BIGINT NOT NULL,
    approved BIGINT NOT NULL,
    rejected BIGINT NOT NULL
  );
  CREATE TABLE pruned_prices (
    verdict_id BIGINT PRIMARY KEY,
    provider words NOT NULL,
    payment words NOT NULL
  );
  CREATE INDEX pruned_prices_by_provider ON pruned_prices (provider, verdict_id);

  CREATE TABLE pauses (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action words NOT NULL CHECK (action IN ('pause', 'resume')),
    by words NOT NULL CHECK (by IN ('operator', 'reverts')),
    who words NOT NULL,
    why words NOT NULL,
    at BIGINT NOT NULL
  );

  CREATE TABLE leases (
    signer words PRIMARY KEY,
    owner words NOT NULL,
    token BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
  );

  CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$;

  CREATE FUNCTION refuse_unless_pruned() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NOT EXISTS (SELECT 1 FROM tasks WHERE task = OLD.task AND pruned_at IS NOT NULL) THEN
        RAISE EXCEPTION '%', TG_ARGV[0];
      END IF;
      RETURN OLD;
    END $$;

  CREATE FUNCTION refuse_if_pruned() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF EXISTS (SELECT 1 FROM tasks WHERE task = NEW.task AND pruned_at IS NOT NULL) THEN
        RAISE EXCEPTION '%', TG_ARGV[0];
      END IF;
      RETURN NEW;
    END $$;

  CREATE FUNCTION refuse_if_signed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF EXISTS (SELECT 1 FROM attempts WHERE confirmation_id = NEW.id) THEN
        RAISE EXCEPTION '%', TG_ARGV[0];
      END IF;
      RETURN NEW;
    END $$;

  CREATE TRIGGER verdicts_are_kept BEFORE DELETE ON verdicts
    FOR EACH ROW EXECUTE FUNCTION refuse_unless_pruned('verdicts are append-only');
  CREATE TRIGGER verdicts_are_final BEFORE UPDATE ON verdicts
    FOR EACH ROW EXECUTE FUNCTION refuse('verdicts are append-only');
  CREATE TRIGGER what_was_signed_is_never_rejected BEFORE UPDATE OF state ON confirmations
    FOR EACH ROW WHEN (NEW.state = 'rejected')
    EXECUTE FUNCTION refuse_if_signed('a signed confirmation cannot be rejected');
  CREATE TRIGGER settled_confirmations_stay BEFORE UPDATE OF state ON confirmations
    FOR EACH ROW WHEN (
      OLD.state IN ('final', 'superseded', 'rejected', 'cancelled', 'dead') AND NEW.state <> OLD.state)
    EXECUTE FUNCTION refuse('a settled confirmation cannot change');
  CREATE TRIGGER pruned_tasks_are_never_paid BEFORE INSERT ON confirmations
    FOR EACH ROW EXECUTE FUNCTION refuse_if_pruned('a pruned task cannot be paid');
  CREATE TRIGGER pruned_tasks_stay_settled BEFORE UPDATE OF state ON tasks
    FOR EACH ROW WHEN (OLD.pruned_at IS NOT NULL AND NEW.state NOT IN ('closed', 'ignored'))
    EXECUTE FUNCTION refuse('a pruned task cannot open again');
  CREATE TRIGGER pruned_tasks_stay BEFORE DELETE ON tasks
    FOR EACH ROW WHEN (OLD.pruned_at IS NOT NULL)
    EXECUTE FUNCTION refuse('what is left of a pruned task is kept');
  CREATE TRIGGER pauses_are_kept BEFORE DELETE ON pauses
    FOR EACH ROW EXECUTE FUNCTION refuse('pauses are append-only');
  CREATE TRIGGER pauses_are_final BEFORE UPDATE ON pauses
    FOR EACH ROW EXECUTE FUNCTION refuse('pauses are append-only');
  CREATE TRIGGER lease_tokens_only_grow BEFORE UPDATE OF token ON leases
    FOR EACH ROW WHEN (NEW.token < OLD.token)
    EXECUTE FUNCTION refuse('the token of a lease only grows');
  CREATE TRIGGER leases_are_kept BEFORE DELETE ON leases
    FOR EACH ROW EXECUTE FUNCTION refuse('a lease is kept: its token guards against writers of before');
    `,
  },
  {
    to: 7,
    sql: `
  CREATE INDEX confirmations_by_task ON confirmations (task);
  CREATE INDEX held_answers_by_task ON held_answers (task);
  CREATE INDEX verdicts_by_time ON verdicts (decided_at);
  CREATE INDEX tasks_opened_again ON tasks (state) WHERE settled_since IS NOT NULL AND state IN ('open', 'vanished');
    `,
  },
  {
    to: 8,
    sql: `
  ALTER TABLE attempts DROP CONSTRAINT attempts_pkey;
  ALTER TABLE attempts ADD PRIMARY KEY (confirmation_id, ordinal);
  DROP INDEX attempts_in_order;
    `,
  },
  {
    to: 9,
    sql: `
  ALTER TABLE confirmations ADD COLUMN withdrawn BIGINT NOT NULL DEFAULT 0;
  UPDATE confirmations SET withdrawn = 1 WHERE state = 'rejected' AND reason LIKE 'withdrawn by %';
    `,
  },
  {
    to: 10,
    sql: `
  CREATE TABLE provider_histories (
    provider words PRIMARY KEY,
    seen BIGINT NOT NULL,
    approved BIGINT NOT NULL,
    rejected BIGINT NOT NULL
  );
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

  CREATE FUNCTION count_verdict() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO provider_histories AS h (provider, seen, approved, rejected)
        SELECT NEW.provider, (count(*) = 0)::int,
          (NEW.kind = 'confirm' AND count(CASE kind WHEN 'confirm' THEN 1 END) = 0)::int,
          (NEW.kind = 'reject' AND count(CASE kind WHEN 'reject' THEN 1 END) = 0)::int
        FROM verdicts
        WHERE task = NEW.task AND response = NEW.response AND provider = NEW.provider AND kind <> 'wait' AND id < NEW.id
      ON CONFLICT (provider) DO UPDATE SET
        seen = h.seen + excluded.seen, approved = h.approved + excluded.approved, rejected = h.rejected + excluded.rejected;
      RETURN NULL;
    END $$;
  CREATE TRIGGER verdicts_are_counted AFTER INSERT ON verdicts
    FOR EACH ROW WHEN (NEW.provider IS NOT NULL AND NEW.kind <> 'wait')
    EXECUTE FUNCTION count_verdict();
    `,
  },
];
