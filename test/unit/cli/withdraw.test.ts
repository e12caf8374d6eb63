import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parseCommandLine } from "../../../src/cli/commandLine.ts";
import type { Context } from "../../../src/cli/context.ts";
import type { Confirmation, Journal } from "../../../src/journal/journal.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { checksummed, type ResponseAddress, type TaskAddress, toNonce, wei } from "../../../src/protocol/brand.ts";
import { pausePaying } from "../../../src/sink/guardrails/pausing.ts";
import { cli } from "../../support/cli.ts";
import { address, hashOf, source } from "../../support/fakeChain.ts";
import { signerOfKey } from "../../support/sinkBench.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

let directory: string;
let path: string;
/** The daemon's own: it runs beside the command. */
let journal: Journal;
let intents: readonly Confirmation[];

beforeEach(async () => {
  directory = temporaryFolder("withdraw-");
  path = join(directory, "journal.sqlite");
  journal = openSqliteJournal({ path, chainId: 1071 });
  intents = [await approve(0xa1, "good"), await approve(0xa2, "bad"), await approve(0xa3, "bad")];
  await pausePaying(journal, { who: "ann", why: "a bad policy" }, 1);
});
afterEach(() => journal.close());

const approve = async (digits: number, policy: string): Promise<Confirmation> => {
  const [task, response] = [address<TaskAddress>(digits), address<ResponseAddress>(digits + 0x10)];
  await journal.intake({ tasks: [{ task, source }], responses: [{ response, task }], touched: [] });
  const verdict = {
    kind: "confirm",
    reason: "eligible",
    until: undefined,
    policyDigest: "d",
    mode: "enforce",
  } as const;
  const basis = { block: { number: 1n, hash: hashOf(1) }, payloadDigest: "", responseDigest: "r" };
  const decision = { ...verdict, ...basis, task, response, policy, payment: wei(5n * 10n ** 17n) };
  const intent = await journal.decide([decision], Date.UTC(2026, 0, 31));
  if (!intent) throw new Error("no intent");
  return intent;
};
const run = (words: readonly string[], answers?: readonly string[]) =>
  cli(["withdraw", ...words, "--network", "mainnet", "--journal-path", path], {
    cwd: directory,
    ...(answers && { answers }),
  });
const states = async () => (await journal.confirmations(intents.map(({ id }) => id))).map(({ state }) => state);
const responseOf = (at: number): string => checksummed(intents[at]?.response ?? "");
/** As the daemon does while somebody has resumed. */
const sign = async (at: number) => {
  const attempt = { kind: "confirm", hash: hashOf(9 + at), raw: "0x02", nonce: toNonce(at), signedAt: 1 } as const;
  await journal.endPause({ who: "ann", why: "", at: 2 });
  await journal.recordAttempt(intents[at]?.id ?? 0, signerOfKey("1").address, attempt);
  await pausePaying(journal, { who: "ann", why: "a bad policy" }, 3);
};
const because = ["--why", "it pays for nothing", "--who", "bob"];

it("lists what is approved and not signed, with what it costs and which policy approved it", async () => {
  const { code, out } = await run([]);
  expect(code).toBe(0);
  expect(out.match(/^2026-01-31T00:00:00\.000Z {2}0\.5 OGPU {2}(good|bad)$/gm)).toHaveLength(3);
  expect(out).toContain(`    response ${responseOf(1)}\n    eligible\n`);
  expect(out).toMatch(/3 approvals \(1\.5 OGPU\)\n$/);
  expect(await states()).toEqual(["intended", "intended", "intended"]);
});

it("says so where nothing waits", async () => {
  await journal.withdraw(
    intents.map(({ id }) => id),
    "",
  );
  expect(await run([])).toMatchObject({ code: 0, out: `nothing waits to be signed in the journal ${path}\n`, err: "" });
  expect(JSON.parse((await run(["--json"])).out)).toEqual([]);
});

it.each<[string, () => readonly string[], readonly string[]]>([
  ["by policy", () => ["--policy", "bad"], ["intended", "rejected", "rejected"]],
  ["by several policies", () => ["--policy", "bad", "--policy", "good"], ["rejected", "rejected", "rejected"]],
  ["by response", () => ["--response", responseOf(2)], ["intended", "intended", "rejected"]],
  ["by several responses", () => ["--response", responseOf(2), responseOf(0)], ["rejected", "intended", "rejected"]],
  [
    "by an option for each response",
    () => ["--response", responseOf(2), "--response", responseOf(0)],
    ["rejected", "intended", "rejected"],
  ],
  ["all of them", () => ["--all"], ["rejected", "rejected", "rejected"]],
])("takes approvals back %s, once the question is answered with yes", async (_, words, expected) => {
  const no = await run([...words(), ...because], ["n"]);
  expect(no).toMatchObject({ code: 1, out: "", asked: ["Go on? [y/N] "] });
  expect(no.err).toMatch(/no policy looks at them again\.\nnothing was withdrawn\n$/);
  expect(await states()).toEqual(["intended", "intended", "intended"]);
  const yes = await run([...words(), ...because], ["y"]);
  const count = expected.filter((state) => state === "rejected").length;
  expect(yes.code).toBe(0);
  expect(yes.out).toMatch(new RegExp(`^${count} approvals? \\(${count * 0.5} OGPU\\) withdrawn, by bob\n`));
  expect(yes.out).toContain('paying is still paused: look at "ogpu-confirmd withdraw" again');
  expect(await states()).toEqual(expected);
  const [first] = (await journal.confirmations(intents.map(({ id }) => id))).filter(
    ({ state }) => state === "rejected",
  );
  expect(first?.reason).toBe("withdrawn by bob: it pays for nothing");
});

it("answers programs in JSON, without a question where --yes is given", async () => {
  const { code, out } = await run(["--policy", "good", ...because, "--yes", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    withdrawn: [{ response: responseOf(0), price: "0.5 OGPU", policy: "good", canBeWithdrawn: true }],
    ...{ left: [], by: "bob", why: "it pays for nothing", journal: path, held: true },
  });
});

it("warns where no daemon holds the journal: it may be another one's that is meant", async () => {
  await journal.close();
  const { err, out } = await run([]);
  expect(err).toContain(`no daemon holds the journal ${path}`);
  expect(out).toContain("3 approvals");
  journal = openSqliteJournal({ path, chainId: 1071 });
});

it("refuses a journal that is not there, and makes none", async () => {
  const elsewhere = join(directory, "elsewhere.sqlite");
  const refused = await cli(["withdraw", "--network", "mainnet", "--journal-path", elsewhere], { cwd: directory });
  expect(refused).toMatchObject({ code: 78, err: expect.stringMatching(/^error NO_JOURNAL/) });
  expect(existsSync(elsewhere)).toBe(false);
});

it("refuses while paying goes on, and says what to do first", async () => {
  await journal.endPause({ who: "ann", why: "", at: 2 });
  const { code, err } = await run(["--all", ...because, "--yes"]);
  expect(code).toBe(78);
  expect(err).toMatch(/^error NOT_PAUSED: .*ogpu-confirmd pause/);
  expect(await states()).toEqual(["intended", "intended", "intended"]);
});

it.each<[string, () => readonly string[], number, RegExp]>([
  ["a choice that is missing", () => [...because, "--yes"], 78, /^error USAGE: say what to withdraw: --policy NAME/],
  ["two choices", () => ["--policy", "bad", "--all", ...because, "--yes"], 78, /^error USAGE: "withdraw" takes one of/],
  ["no reason", () => ["--policy", "bad", "--yes"], 78, /^error USAGE: "withdraw" needs a reason: --why/],
  ["a blank reason", () => ["--all", "--why", " ", "--yes"], 78, /^error USAGE: "withdraw" needs a reason/],
  ["a word that is no address", () => ["bad", ...because, "--yes"], 78, /^error ADDRESS_INVALID/],
  [
    "a policy that approved nothing",
    () => ["--policy", "bda", ...because, "--yes"],
    1,
    /^error NOT_WITHDRAWABLE: no approval of the policy "bda" waits to be signed; there are approvals of good, bad:/,
  ],
  [
    "a second policy that approved nothing",
    () => ["--policy", "bad", "--policy", "bda", ...because, "--yes"],
    1,
    /"bda"/,
  ],
  ["a policy without a name", () => ["--policy", "", ...because, "--yes"], 1, /^error NOT_WITHDRAWABLE/],
  [
    "one response too many",
    () => ["--response", responseOf(0), checksummed(`0x${"9".repeat(40)}`), ...because, "--yes"],
    1,
    /^error NOT_WITHDRAWABLE: no approval waits to be signed for 0x9{40}: nothing was withdrawn/,
  ],
  ["a question that nobody answers", () => ["--all", ...because], 78, /error USAGE: nobody can be asked here/],
])("refuses %s, and withdraws nothing", async (_, words, code, message) => {
  const refused = await run(words());
  expect(refused.code).toBe(code);
  expect(refused.err).toMatch(message);
  expect(await states()).toEqual(["intended", "intended", "intended"]);
});

it("leaves alone what is signed, and says that it cannot withdraw what was signed once", async () => {
  await sign(0);
  await sign(1);
  await journal.changeConfirmation(intents[1]?.id ?? 0, { state: "intended", reason: "it reverted" });
  const { out } = await run([]);
  expect(out).toContain(`response ${responseOf(1)}\n    eligible\n    was signed once, and cannot be withdrawn\n`);
  expect(out).not.toContain(responseOf(0));
  expect((await run(["--response", responseOf(1), ...because, "--yes"])).err).toMatch(/^error NOT_WITHDRAWABLE/);
  expect((await run(["--all", ...because, "--yes"])).out).toMatch(/^1 approval \(0\.5 OGPU\) withdrawn/);
  expect(await states()).toEqual(["signed", "intended", "rejected"]);
});

it("tells of what the daemon signed while the question was asked, and leaves it", async () => {
  let out = "";
  const context: Context = {
    ...{ env: {}, cwd: directory, isTTY: false, nodeVersion: "v24", onStopSignal: () => undefined },
    stdout: { write: (text) => (out += text) },
    stderr: { write: () => undefined },
    hide: () => undefined,
    ask: async () => {
      await sign(2);
      return "y";
    },
  };
  const argv = ["withdraw", "--policy", "bad", ...because, "--network", "mainnet", "--journal-path", path];
  const line = parseCommandLine(argv);
  if (line.command === "help" || line.command === "version") throw new Error("no command");
  expect(await line.command.run(context, line)).toBe(1);
  expect(out).toContain(
    `1 approval (0.5 OGPU) withdrawn, by bob\nin the journal ${path}\n${responseOf(2)} is signed by now: left as it is\n`,
  );
  expect(await states()).toEqual(["intended", "rejected", "signed"]);
});

it("keeps who takes it back and why as one line that no terminal obeys", async () => {
  const words = ["--policy", "good", "--why", "wrong\u202e\u0085file", "--who", "ann\u001b[2J", "--yes"];
  const { out } = await run(words);
  expect(out).toMatch(/withdrawn, by ann \[2J\n/);
  const [taken] = await journal.confirmations([intents[0]?.id ?? 0]);
  expect(taken?.reason).toBe("withdrawn by ann [2J: wrong file");
});
