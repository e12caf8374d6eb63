import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Journal } from "../../../src/journal/journal.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { wei } from "../../../src/protocol/brand.ts";
import { cli } from "../../support/cli.ts";
import { hashOf, response, source, task } from "../../support/fakeChain.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

// A container's user may have no entry in /etc/passwd; a test cannot become one.
vi.mock("node:os", async (original) => ({
  ...(await original<typeof import("node:os")>()),
  userInfo: () => {
    throw new Error("uv_os_get_passwd returned ENOENT");
  },
}));

let cwd: string;
let journal: Journal;
beforeEach(async () => {
  cwd = temporaryFolder("held-");
  journal = openSqliteJournal({ path: join(cwd, "journal.sqlite"), chainId: 1071 });
  await journal.intake({ tasks: [{ task, source }], responses: [{ response, task }], touched: [] });
  const verdict = {
    kind: "hold",
    reason: "a person\u001b[2J decides",
    until: undefined,
    policy: "p",
    policyDigest: "d",
  } as const;
  const basis = { block: { number: 1n, hash: hashOf(1) }, payloadDigest: "", responseDigest: "d", payment: wei(1n) };
  await journal.decide([{ ...verdict, ...basis, mode: "enforce", task, response }], 0);
});
afterEach(() => journal.close());

const run = (words: readonly string[], env: Record<string, string> = {}) =>
  cli(["held", ...words, "--network", "mainnet", "--journal-path", "journal.sqlite"], { cwd, env });

it.each([
  [{ USER: "kim" }, "kim"],
  [{}, "somebody on the command line"],
])("takes the answer of a user without a name, with %j", async (env, who) => {
  const [held] = await journal.held();
  const words = ["approve", String(held?.id), "--why", "read it, it is right"];
  expect(await run(words, env as Record<string, string>)).toMatchObject({
    code: 0,
    out: `${held?.id}: approve, by ${who}\n`,
  });
  expect(await journal.held()).toEqual([]);
});

it("shows what waits, and no terminal obeys it", async () => {
  const { out } = await run([]);
  expect(out).toMatch(/\n {4}a person \[2J decides\n$/);
});

it("keeps who answers and why as one line that no terminal obeys, and refuses a reason that nobody sees", async () => {
  const id = String((await journal.held())[0]?.id);
  expect(await run(["approve", id, "--why", "\u200b\u202e"])).toMatchObject({ code: 78, out: "" });
  const words = ["approve", id, "--why", "right\u202e\n2: reject, by kim", "--who", "kim\u001b[2J"];
  expect(await run(words)).toMatchObject({ code: 0, out: `${id}: approve, by kim [2J\n` });
  const database = new DatabaseSync(join(cwd, "journal.sqlite"), { readOnly: true });
  const kept = database.prepare("SELECT who, why FROM held_answers").all();
  database.close();
  expect(kept).toMatchObject([{ who: "kim [2J", why: "right 2: reject, by kim" }]);
});
