import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Subject } from "rxjs";
import { expect, onTestFinished, test } from "vitest";
import type { Policy } from "../../../src/policy/policyPort.ts";
import type { PolicyStore } from "../../../src/policy/policyStore.ts";
import { createPolicyStore } from "../../../src/policy/reload.ts";
import { createWorkerEvaluator } from "../../../src/policy/worker/workerEvaluator.ts";
import { unixSeconds } from "../../../src/protocol/brand.ts";
import { candidateOf, folderOf, outputOf, responseOf, verdictsOf } from "./support.ts";

const written = (name: string, eligible: string) =>
  `apiVersion: ogpu-confirmd/v1\nname: ${name}\nstrategy: first\nmatch: { functions: [${name}] }\neligible: ${JSON.stringify(eligible)}\n`;

const nested = (depth: number): string =>
  depth === 0 ? "true" : `siblings.all(s${depth}, ${nested(depth - 1)} && s${depth}.digest != "x")`;
const terms = (count: number): string => Array.from({ length: count }, (_, index) => `now != ${index}`).join(" && ");

/** What an operator may write by mistake, or after a bad night, and what is said of it when it is read. */
const refused: readonly (readonly [what: string, eligible: string, problem: RegExp])[] = [
  ["a wrong type", "output.valid && response.payment > 5", /^bad\.yaml:5:\d+: no such overload: Wei > int/],
  ["an unknown field", "output.vald", /^bad\.yaml:5:\d+: output has no field vald \(did you mean valid\?\)/],
  ["four nested all over the siblings", nested(4), /^bad\.yaml:5:\d+: at most 2 loops may stand inside one another/],
  ["2,000 terms", terms(2_000), /^bad\.yaml:5:\d+: an expression has at most/],
  ["2,000 short terms", Array(2_000).fill("now>1").join("&&"), /^bad\.yaml:5:\d+: .*(too large|at most|nodes)/i],
];

const crowd = Array.from({ length: 100 }, (_, index) => responseOf(1, { response: { address: addressOf(index) } }));
function addressOf(index: number) {
  return `0x${(0xa000 + index).toString(16).padStart(40, "0")}`;
}

/** What is read well, and runs away on some payload. */
const runaway: readonly (readonly [what: string, eligible: string, verdict: RegExp])[] = [
  ["^(a+)+$ on 50 kB", 'output.text.matches("^(a+)+$")', /^1 (reject: .* is false|hold: the evaluation took longer)/],
  [
    "a loop over a loop over 9,000 items",
    "output.json.list.all(x, output.json.list.all(y, x <= y + 1e9))",
    /^1 hold: the evaluation took longer than 50 ms$/,
  ],
  ["two nested all over 100 siblings", `${nested(2)} && output.text == "other"`, /^1 (reject|hold): /],
];
const payload = {
  ...outputOf({ list: Array.from({ length: 9_000 }, (_, index) => index) }),
  text: `${"a".repeat(50_000)}b`,
};

async function openStore() {
  const folder = folderOf({ "good.yaml": `${written("good", "output.valid")}budget: 1s\n` });
  const reload$ = new Subject<void>();
  const refusals: string[] = [];
  const changes: number[] = [];
  const evaluator = createWorkerEvaluator();
  const store = await createPolicyStore({
    folder,
    evaluator,
    triggers$: reload$,
    onChanged: ({ policies }) => changes.push(policies.length),
    onRefused: (problems) => refusals.push(problems),
  });
  const listening = store.changes$.subscribe();
  onTestFinished(async () => {
    listening.unsubscribe();
    await evaluator.close();
  });
  const write = (eligible: string) => {
    writeFileSync(join(folder, ".bad"), written("bad", eligible));
    renameSync(join(folder, ".bad"), join(folder, "bad.yaml"));
    reload$.next();
  };
  return { store, write, refusals, changes };
}

const named = (store: PolicyStore, name: string): Policy => {
  const found = store.current().policies.find((policy) => policy.name === name);
  if (!found) throw new Error(`no policy ${name}`);
  return found;
};

/** Lets the good policy decide again and again until something has come about; answers how often it did. */
async function decideUntil(store: PolicyStore, isOver: () => boolean): Promise<number> {
  let decided = 0;
  do {
    const verdicts = await verdictsOf(named(store, "good"), candidateOf([responseOf(1), responseOf(2)]));
    expect(verdicts).toEqual(["1 confirm: eligible, and the first"]);
    decided++;
  } while (!isOver());
  return decided;
}

test.each(refused)(
  "%s is refused when it is read, and the policy beside it goes on deciding",
  async (_what, eligible, problem) => {
    const { store, write, refusals, changes } = await openStore();
    const before = named(store, "good");
    write(eligible);
    expect(await decideUntil(store, () => refusals.length > 0)).toBeGreaterThan(0);
    expect(refusals[0]).toMatch(problem);
    expect(changes).toEqual([]);
    expect(named(store, "good")).toBe(before);
    expect(() => named(store, "bad")).toThrow();
  },
);

test.each(runaway)(
  "%s is answered or cut off, and the policy beside it goes on deciding",
  async (_what, eligible, verdict) => {
    const { store, write, changes } = await openStore();
    write(eligible);
    await decideUntil(store, () => changes.length > 0);
    const item = responseOf(1, { output: payload });
    const settled = crowd.map(({ response }) => ({ response, digest: "d" }));
    let said: readonly string[] | undefined;
    const candidate = candidateOf([item], { settled, now: unixSeconds(1_500) });
    const judging = verdictsOf(named(store, "bad"), candidate).then((verdicts) => {
      said = verdicts;
    });
    expect(await decideUntil(store, () => said !== undefined)).toBeGreaterThan(0);
    await judging;
    expect(said).toEqual([expect.stringMatching(verdict)]);
  },
);
