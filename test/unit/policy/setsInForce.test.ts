import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Subject } from "rxjs";
import { expect, it, onTestFinished, vi } from "vitest";
import type { Evaluator } from "../../../src/policy/evaluator.ts";
import { createInProcessEvaluator } from "../../../src/policy/inProcessEvaluator.ts";
import { createPolicyStore, type ReloadOptions } from "../../../src/policy/reload.ts";
import { wei } from "../../../src/protocol/brand.ts";
import { source } from "../../support/fakeChain.ts";
import { folderOf } from "./support.ts";

const policyText = (name: string, more = "") =>
  `apiVersion: ogpu-confirmd/v1\nname: ${name}\nmode: enforce\nstrategy: first\neligible: output.valid\n${more}`;
const refused = policyText("a").replace("output.valid", "output.vald");

/** A folder whose files are read again when `look` is called; answers what was told of that. */
async function storeOf(files: Readonly<Record<string, string>>, options: Partial<ReloadOptions> = {}) {
  const folder = folderOf(files);
  const triggers$ = new Subject<string>();
  const told: string[] = [];
  const store = await createPolicyStore({
    folder,
    evaluator: createInProcessEvaluator(),
    triggers$,
    onChanged: ({ policies }) => told.push(`in force: ${policies.map(({ name }) => name).join()}`),
    onRefused: (problems) => told.push(`refused: ${problems.replace(/.*: /s, "")}`),
    onLooked: (_trigger, problems) => told.push(problems === undefined ? "looked" : "looked, refused"),
    ...options,
  });
  const listening = store.changes$.subscribe();
  onTestFinished(() => listening.unsubscribe());
  const look = async (changes: Readonly<Record<string, string>>): Promise<readonly string[]> => {
    told.length = 0;
    for (const [name, text] of Object.entries(changes)) writeFileSync(join(folder, name), text);
    triggers$.next("now");
    await vi.waitFor(() => expect(told.at(-1)).toMatch(/^looked/));
    return [...told];
  };
  return { store, look };
}

it("takes another order of the same policies: the first that matches is the one that pays", async () => {
  const [dear, cheap] = [policyText("dear"), policyText("cheap")];
  const { store, look } = await storeOf({ "1.yaml": dear, "2.yaml": cheap });
  const chosen = () => store.current().select({ source, functionName: "f", payment: wei(1n) })?.name;
  expect(chosen()).toBe("dear");
  expect(await look({ "1.yaml": cheap, "2.yaml": dear })).toEqual(["in force: cheap,dear", "looked"]);
  expect(chosen()).toBe("cheap");
});

it("tells of the same mistake again where good files were in force in between", async () => {
  const { look } = await storeOf({ "a.yaml": policyText("a") });
  const first = await look({ "a.yaml": refused });
  expect(first).toEqual([expect.stringMatching(/^refused: /), "looked, refused"]);
  expect(await look({})).toEqual(["looked, refused"]);
  expect(await look({ "a.yaml": policyText("a", "retries: 1\n") })).toEqual(["in force: a", "looked"]);
  expect(await look({ "a.yaml": refused })).toEqual(first);
});

it("puts no set in force that does not pass what else is asked of it, at the start or later", async () => {
  const checkSet = async ({ policies }: { readonly policies: readonly { readonly name: string }[] }) => {
    if (policies.some(({ name }) => name === "wrong")) throw new Error("its source confirms by itself");
  };
  const { store, look } = await storeOf({ "a.yaml": policyText("a") }, { checkSet });
  expect(await look({ "a.yaml": policyText("wrong") })).toEqual([
    "refused: its source confirms by itself",
    "looked, refused",
  ]);
  expect(store.current().policies.map(({ name }) => name)).toEqual(["a"]);
  await expect(storeOf({ "a.yaml": policyText("wrong") }, { checkSet })).rejects.toThrow("confirms by itself");
});

it("has what is in force ready to run again where a refused set had taken its place there", async () => {
  const inProcess = createInProcessEvaluator();
  const prepared: string[] = [];
  const evaluator: Evaluator = {
    ...inProcess,
    prepare: async (programs) => {
      prepared.push(programs.map(({ digest }) => digest).join());
      await inProcess.prepare(programs);
    },
  };
  const checkSet = async ({ policies }: { readonly policies: readonly { readonly name: string }[] }) => {
    if (policies.some(({ name }) => name === "wrong")) throw new Error("no");
  };
  const { look } = await storeOf({ "a.yaml": policyText("a") }, { checkSet, evaluator });
  const [inForce] = prepared;
  await look({ "a.yaml": policyText("wrong") });
  expect(prepared).toHaveLength(3);
  expect(prepared.at(-1)).toBe(inForce);
});
