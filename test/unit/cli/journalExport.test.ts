import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { StatementSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Attempt, Confirmation, Journal } from "../../../src/journal/journal.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import {
  type AccountAddress,
  checksummed,
  type ResponseAddress,
  type TaskAddress,
  toNonce,
  wei,
} from "../../../src/protocol/brand.ts";
import { cli } from "../../support/cli.ts";
import { address, hashOf, source } from "../../support/fakeChain.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

const signer = address<AccountAddress>(0xd1);
let cwd: string;
let path: string;
let journal: Journal;

beforeEach(() => {
  cwd = temporaryFolder("export-");
  path = join(cwd, "journal.sqlite");
  journal = openSqliteJournal({ path, chainId: 1071 });
});
afterEach(() => journal.close());

const mine = () => ["--network", "mainnet", "--journal-path", path];
const taskOf = (number: number) => address<TaskAddress>(0xa0 + number);
const sign = (kind: Attempt["kind"], nonce: number, hash: number): Attempt => ({
  ...{ kind, hash: hashOf(hash), raw: "0x02", nonce: toNonce(nonce), signedAt: 1 },
});

async function decide(number: number, kind: "confirm" | "reject"): Promise<Confirmation | undefined> {
  const paid = { task: taskOf(number), response: address<ResponseAddress>(0xb0 + number), payment: wei(5n) };
  await journal.intake({ tasks: [{ task: paid.task, source }], responses: [paid], touched: [] });
  const verdict = { kind, reason: "", until: undefined, policy: "p", policyDigest: "d", mode: "enforce" } as const;
  const block = { number: 7n, hash: hashOf(7) };
  return journal.decide([{ ...verdict, ...paid, block, payloadDigest: "", responseDigest: "r" }], 1);
}

it("names the transaction that was mined, and what became of the confirmation: not each that has one was paid", async () => {
  const [paid, dead] = [(await decide(1, "confirm"))?.id ?? 0, (await decide(2, "confirm"))?.id ?? 0];
  await decide(3, "reject");
  for (const hash of [11, 12]) await journal.recordAttempt(paid, signer, sign("confirm", 0, hash));
  await journal.recordAttempt(dead, signer, sign("confirm", 1, 21));
  await journal.recordAttempt(dead, signer, sign("cancel", 1, 22));
  await journal.changeConfirmation(paid, { state: "final", mined: { hash: hashOf(11), blockNumber: 8n } });
  await journal.changeConfirmation(dead, { state: "dead", mined: { hash: hashOf(22), blockNumber: 8n } });

  const { code, out } = await cli(["journal", "export", ...mine()], { cwd });
  const rows = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(code).toBe(0);
  expect(rows.map(({ task, confirmation, transaction }) => ({ task, confirmation, transaction }))).toEqual([
    { task: checksummed(taskOf(1)), confirmation: "final", transaction: hashOf(11) },
    { task: checksummed(taskOf(2)), confirmation: "dead", transaction: hashOf(22) },
    { task: checksummed(taskOf(3)), confirmation: null, transaction: null },
  ]);
});

it("prints a long past whole and in order, and holds no more than a page of it in memory", async () => {
  const block = { number: 7n, hash: hashOf(7) };
  const verdict = {
    kind: "reject",
    reason: "",
    until: undefined,
    policy: "p",
    policyDigest: "d",
    mode: "enforce",
  } as const;
  const judged = { task: taskOf(1), response: address<ResponseAddress>(0xb1), payment: wei(5n) };
  await journal.intake({ tasks: [{ task: judged.task, source }], responses: [judged], touched: [] });
  const decision = { ...verdict, ...judged, block, payloadDigest: "", responseDigest: "r" };
  await journal.decide(
    Array.from({ length: 2_500 }, () => decision),
    1,
  );
  const read = vi.spyOn(StatementSync.prototype, "all");
  const { out } = await cli(["journal", "export", ...mine()], { cwd });
  const sizes = read.mock.results.map(({ value }) => (value as unknown[]).length);
  read.mockRestore();
  const ids = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).id);
  expect(ids).toEqual(Array.from({ length: 2_500 }, (_, at) => at + 1));
  expect(sizes.filter((size) => size > 0).sort((a, b) => a - b)).toEqual([500, 1_000, 1_000]);
});

it("says which file it cannot write, and what to do, where the copy's place is wrong", async () => {
  const target = join(cwd, "missing", "copy.sqlite");
  const { code, out, err } = await cli(["journal", "export", target, ...mine()], { cwd });
  expect([code, out]).toEqual([78, ""]);
  expect(err).toContain(`error FILE_UNWRITABLE: ${target} cannot be written`);
  expect(err).toContain("name a file in a folder that is there");
});

const beside = () => readdirSync(cwd).filter((name) => !name.startsWith("journal.sqlite"));

it("copies the journal whole, and leaves nothing beside the copy", async () => {
  await decide(1, "confirm");
  const { code, out } = await cli(["journal", "export", "copy.sqlite", ...mine()], { cwd });
  expect([code, out]).toEqual([0, `copied to ${join(cwd, "copy.sqlite")}\n`]);
  expect(beside()).toEqual(["copy.sqlite"]);
  const copy = openSqliteJournal({ path: join(cwd, "copy.sqlite"), chainId: 1071 });
  expect(await copy.decisions(0)).toHaveLength(1);
  await copy.close();
});

it("leaves no half of a copy that found no room on the disk, and says so", async () => {
  const tasks = Array.from({ length: 2_000 }, (_, at) => ({ task: address<TaskAddress>(0x1000 + at), source }));
  await journal.intake({ tasks, responses: [], touched: [] });
  // Its log goes into the file, and is no longer than what may be written.
  await journal.close();
  journal = openSqliteJournal({ path, chainId: 1071 });
  const program = [process.execPath, "--no-warnings", "src/main.ts", "journal", "export", join(cwd, "copy.sqlite")];
  const limited = ["-c", 'ulimit -f 256; exec "$@"', "sh", ...program, ...mine()];
  const { status, stdout, stderr } = spawnSync("sh", limited, { encoding: "utf8" });
  expect(stderr).toContain(`error FILE_UNWRITABLE: ${join(cwd, "copy.sqlite")} cannot be written`);
  expect([status, stdout, beside()]).toEqual([78, "", []]);
});
