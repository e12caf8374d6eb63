import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { merge, Subject } from "rxjs";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Journal } from "../../../src/journal/journal.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { judgeTask } from "../../../src/judgeTask.ts";
import type { Output } from "../../../src/payload/payloadPort.ts";
import { folderChanges$ } from "../../../src/policy/folderChanges.ts";
import type { PolicyStore } from "../../../src/policy/policyStore.ts";
import { createPolicyStore } from "../../../src/policy/reload.ts";
import { createWorkerEvaluator } from "../../../src/policy/worker/workerEvaluator.ts";
import { type ResponseAddress, type TaskAddress, wei } from "../../../src/protocol/brand.ts";
import type { Report } from "../../../src/report.ts";
import { address, aResponse, aSnapshot, aTask, fakeChain, source } from "../../support/fakeChain.ts";

const policyText = (version: number, eligible = "output.valid") =>
  `apiVersion: ogpu-confirmd/v1\nname: a\nmode: enforce\nstrategy: first\neligible: ${eligible}\n# version ${version}\n`;

let home: string;
let folder: string;
let journal: Journal;
let store: PolicyStore;
let refusals: string[];
let changes: string[];
let close: () => Promise<void>;
const hangup$ = new Subject<void>();

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "reload-"));
  folder = join(home, "policies");
  mkdirSync(folder);
  writeFileSync(join(folder, "a.yaml"), policyText(0));
  journal = openSqliteJournal({ path: join(home, "journal.sqlite"), chainId: 1071 });
  refusals = [];
  changes = [];
  const evaluator = createWorkerEvaluator();
  store = await createPolicyStore({
    folder,
    evaluator,
    triggers$: merge(folderChanges$(folder, { restMs: 30, checkMs: 50 }), hangup$),
    onChanged: ({ policies }) => changes.push(policies.map(({ name }) => name).join()),
    onRefused: (problems) => refusals.push(problems),
  });
  const listening = store.changes$.subscribe();
  close = async () => {
    listening.unsubscribe();
    await evaluator.close();
    await journal.close();
    rmSync(home, { recursive: true, force: true });
  };
});
afterEach(() => close());

/** As an editor saves: whole, or in two pieces. */
function save(text: string, inPieces: boolean): void {
  const path = join(folder, "a.yaml");
  if (inPieces) writeFileSync(path, text.slice(0, text.length / 2));
  writeFileSync(`${home}/next`, text);
  renameSync(`${home}/next`, path);
}

const digestNow = () => store.current().policies[0]?.digest;
const until = async (isTrue: () => boolean) => {
  for (let tries = 0; !isTrue(); tries++) {
    if (tries > 500) throw new Error("that did not come about");
    await sleep(20);
  }
};

it("loses no verdict and decides nothing twice while its file is edited under 100 responses a second", async () => {
  const came = { json: {}, text: "{}", bytes: 2, cidVerified: false, digest: "d" };
  const output: Output = { ...came, valid: true, error: "", transient: false };
  const reports: Report[] = [];
  const total = 400;
  const looks: Promise<unknown>[] = [];
  const good = new Set([digestNow()]);
  const intents: unknown[] = [];
  const look = async (number: number): Promise<void> => {
    const [task, response] = [address<TaskAddress>(0x10_000 + number), address<ResponseAddress>(0x20_000 + number)];
    await journal.intake({ tasks: [{ task, source }], responses: [{ response, task }], touched: [] });
    const snapshot = aSnapshot({ task: aTask({ address: task }), responses: [aResponse({ address: response, task })] });
    const deps = {
      chain: fakeChain({ snapshot: async () => snapshot }),
      journal,
      isWatched: async () => true,
      payload: { fetch: async () => output },
      policies: store,
      clock: { now: () => 7, scheduler: undefined as never },
      report: (report: Report) => void reports.push(report),
    };
    const judge = () => judgeTask(deps, { maxPayment: wei(1_000n), dryRun: false }, task);
    let looked = await judge();
    // The file changed meanwhile.
    while (looked.againInMs === 0) looked = await judge();
    if (looked.intent) intents.push(looked.intent);
    // A second look, as after a new head, finds it decided.
    expect(await judge()).toEqual({});
    good.add(digestNow());
  };
  const started = performance.now();
  for (let number = 0; number < total; number++) {
    looks.push(look(number));
    if (number % 40 === 20)
      save(policyText(number, number % 80 === 20 ? "output.vald" : "output.valid"), number % 3 === 0);
    await sleep(Math.max(0, started + (number + 1) * 10 - performance.now()));
  }
  await Promise.all(looks);
  const decisions = await journal.decisions(0);
  expect(decisions).toHaveLength(total);
  expect(new Set(decisions.map(({ response }) => response)).size).toBe(total);
  expect(decisions.every(({ kind, policyDigest }) => kind === "confirm" && good.has(policyDigest))).toBe(true);
  expect(intents).toHaveLength(total);
  expect(new Set(decisions.map(({ policyDigest }) => policyDigest)).size).toBeGreaterThan(2);
  expect(refusals.length).toBeGreaterThan(0);
  expect(refusals.join("\n")).toMatch(/a\.yaml:\d+:\d+: .*(vald|missing)/);
});

it("keeps the set in force when the files are broken, says so once, and takes the mended ones whole", async () => {
  const before = digestNow();
  save(policyText(1, "output.vald"), false);
  await until(() => refusals.length === 1);
  hangup$.next();
  await sleep(200);
  expect(refusals).toHaveLength(1);
  expect(refusals[0]).toMatch(/a\.yaml:5:18: output has no field vald \(did you mean valid\?\)/);
  expect(digestNow()).toBe(before);
  writeFileSync(join(folder, "b.yaml"), policyText(2).replace("name: a", "name: b"));
  save(policyText(3), false);
  await until(() => digestNow() !== before);
  await until(() => store.current().policies.length === 2);
});

it("says that the set in force is good again when a refused edit is put back as it was, and says so once", async () => {
  const before = digestNow();
  save(policyText(0, "output.vald"), false);
  await until(() => refusals.length === 1);
  save(policyText(0), false);
  await until(() => changes.length === 1);
  hangup$.next();
  await sleep(200);
  expect(changes).toEqual(["a"]);
  expect(digestNow()).toBe(before);
  save(policyText(0, "output.vald"), false);
  await until(() => refusals.length === 2);
});

it("reads the files at a hang-up too", async () => {
  const before = digestNow();
  save(policyText(9), false);
  hangup$.next();
  await until(() => digestNow() !== before);
  expect(refusals).toEqual([]);
});

it.each([
  ["in one go", 0],
  ["after a while", 200],
] as const)("watches a folder that was removed and made anew %s", async (_what, pauseMs) => {
  const before = digestNow();
  rmSync(folder, { recursive: true });
  await sleep(pauseMs);
  mkdirSync(folder);
  writeFileSync(join(folder, "a.yaml"), policyText(10));
  await until(() => digestNow() !== before);
  await sleep(200);
  const replaced = digestNow();
  save(policyText(11), false);
  await until(() => digestNow() !== replaced);
  expect(store.current().policies).toHaveLength(1);
});

it("watches a folder below that was removed and made anew", async () => {
  const write = (type: string) => {
    mkdirSync(join(folder, "schemas"), { recursive: true });
    writeFileSync(join(folder, "schemas", "s.json"), `{ "type": "${type}" }`);
  };
  const before = digestNow();
  write("object");
  save(`${policyText(12)}output: { schema: schemas/s.json }\n`, false);
  await until(() => digestNow() !== before);
  await sleep(200);
  for (const type of ["string", "array"]) {
    const last = digestNow();
    if (type === "string") rmSync(join(folder, "schemas"), { recursive: true });
    write(type);
    await until(() => digestNow() !== last);
    await sleep(200);
  }
  expect(new Set([before, digestNow()]).size).toBe(2);
});

it("watches what a link leads to, also after it was switched", async () => {
  const link = join(home, "current");
  const next = join(home, "next-policies");
  mkdirSync(next);
  symlinkSync(folder, link);
  let changes = 0;
  const watching = folderChanges$(link, { restMs: 30, checkMs: 50 }).subscribe(() => changes++);
  symlinkSync(next, `${link}.new`);
  renameSync(`${link}.new`, link);
  await until(() => changes === 1);
  writeFileSync(join(next, "a.yaml"), policyText(13));
  await until(() => changes === 2);
  // Nothing is told of where nothing changes.
  await sleep(300);
  watching.unsubscribe();
  expect(changes).toBe(2);
});

it("knows the ceilings of a file that was edited, and still those of one that was removed", async () => {
  expect(store.capsOf("a")?.perDay).toBeUndefined();
  const before = digestNow();
  save(`${policyText(14)}caps: { perDay: "2 OGPU" }\n`, false);
  await until(() => digestNow() !== before);
  expect(store.capsOf("a")?.perDay).toBe(2n * 10n ** 18n);
  writeFileSync(join(folder, "b.yaml"), policyText(15).replace("name: a", "name: b"));
  rmSync(join(folder, "a.yaml"));
  await until(
    () =>
      store
        .current()
        .policies.map(({ name }) => name)
        .join() === "b",
  );
  expect(store.capsOf("a")?.perDay).toBe(2n * 10n ** 18n);
  expect(store.capsOf("c")).toBeUndefined();
});
