import { NEVER } from "rxjs";
import { assemble } from "../../src/assemble.ts";
import { openEndpoints } from "../../src/cli/openEndpoints.ts";
import { systemClock } from "../../src/clock.ts";
import { loadConfig } from "../../src/config/loadConfig.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { loadPolicySet } from "../../src/policy/loadPolicySet.ts";
import { createNearEvaluator } from "../../src/policy/nearEvaluator.ts";
import { createWorkerEvaluator } from "../../src/policy/worker/workerEvaluator.ts";
import type { Hex } from "../../src/protocol/brand.ts";
import { deploymentOn } from "../../src/protocol/chains.ts";
import type { Report } from "../../src/report.ts";
import { threadedSigner } from "../../src/signer/threadedSigner.ts";
import { leaveThreadsTheirLimits } from "../../src/threadLimits.ts";
import { answer, childArgs } from "../harness/child.ts";
import { firstStep } from "./breakDown.ts";

/**
 * The same daemon as `ogpu-confirmd run` assembles, in this process, with a stopwatch at each of its ports. It prints where
 * the time of each confirmation went, from the event to the node's answer.
 */
const [{ configFile, privateKey }] = childArgs<[{ configFile: string; privateKey: Hex }]>();
const { config } = loadConfig({ file: configFile, flags: {}, env: {}, cwd: process.cwd() });
const deployment = deploymentOn(config.chain.id);
if (deployment === undefined) throw new TypeError(`chain ${config.chain.id} has no deployment`);

type Span = { readonly name: string; readonly from: number; readonly to: number };
let spans: Span[] = [];
const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
  const from = performance.now();
  try {
    return await work();
  } finally {
    spans.push({ name, from, to: performance.now() });
  }
};
/** Every method of these names, with the stopwatch around it. */
function watch<T extends object>(port: T, names: Readonly<Partial<Record<keyof T, string>>>): T {
  const watched = Object.create(port, Object.getOwnPropertyDescriptors(port)) as T;
  for (const [method, name] of Object.entries(names) as [keyof T, string][]) {
    const before = port[method] as (...args: unknown[]) => Promise<unknown>;
    Object.defineProperty(watched, method, {
      value: (...args: unknown[]) => timed(name, () => before.apply(port, args)),
    });
  }
  return watched;
}

const nameOf = (methods: readonly string[]): string => {
  if (methods.includes("eth_sendRawTransaction")) return "send, the node's answer";
  if (methods.length === 1 && methods[0] === "eth_call") return "state again and simulation, one call";
  if (methods.includes("eth_call") && methods.includes("eth_getBlockByNumber")) return "snapshot and simulation";
  return "aside";
};

const report = (each: Report) => {
  if (each.type === "intake" && each.via === "socket" && each.responses > 0) spans.push(at("stored"));
  if (each.type !== "confirmation" || each.confirmation.state !== "broadcast") return;
  answer({ spans: spans.map(({ name, from, to }) => ({ name, from, to })), end: performance.now() });
  spans = [];
};
const at = (name: string, now = performance.now()): Span => ({ name, from: now, to: now });

const rpc = openEndpoints(config, { random: Math.random, report });
const call = async (method: string, ...params: readonly unknown[]) =>
  timed(nameOf([method]), () => rpc.call(method, ...params));
const watchedRpc = Object.create(rpc, {
  ...Object.getOwnPropertyDescriptors(rpc),
  call: { value: call },
  batch: {
    value: (calls: Parameters<typeof rpc.batch>[0]) =>
      timed(nameOf(calls.map(({ method }) => method)), () => rpc.batch(calls)),
  },
}) as typeof rpc;
const journal = watch(openSqliteJournal({ path: config.journal.path, chainId: config.chain.id, isLasting: true }), {
  glance: firstStep,
  intake: "event into the journal, beside that",
  decide: "verdict into the journal",
  recordAttempts: "signed bytes onto the disk",
});
leaveThreadsTheirLimits();
const evaluator = createNearEvaluator(createWorkerEvaluator());
const set = await loadPolicySet(config.policies.dir, { evaluator });
const policies = {
  ...set,
  select: (...args: Parameters<typeof set.select>) => {
    const policy = set.select(...args);
    return policy && watch(policy, { judge: "policy" });
  },
};
const signer = watch(await threadedSigner({ privateKey, engine: "native" }), { sign: "signature, checked" });
const daemon = assemble({
  config,
  deployment,
  rpc: watchedRpc,
  journal,
  policies,
  signers: [signer],
  clock: systemClock,
  random: Math.random,
  report,
  sweepTicks$: NEVER,
});
daemon.ended.catch((error) => process.stderr.write(`${error.stack}\n`));
daemon.start();
setTimeout(() => answer({ ready: true }), 1_500);
