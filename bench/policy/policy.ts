import { createInProcessEvaluator } from "../../src/policy/inProcessEvaluator.ts";
import type { Policy } from "../../src/policy/policyPort.ts";
import { createWorkerEvaluator } from "../../src/policy/worker/workerEvaluator.ts";
import { atMost, type Benchmark, type Row } from "../harness/benchmark.ts";
import { alternate } from "../harness/rounds.ts";
import { openBareTrip } from "./bareTrip.ts";
import { loadOurs } from "./ours.ts";
import { createPeer } from "./peer.ts";
import { type Case, cases } from "./tasks.ts";

const threads = 2;
const inFlight = 16;
const kinds = {
  simple: { tasks: 3_000, responses: 1 },
  schema: { tasks: 3_000, responses: 1 },
  quorum: { tasks: 60, responses: 50 },
};
type Kind = keyof typeof kinds;
type Work = (given: Case) => Promise<unknown>;

const judging =
  (policy: Policy): Work =>
  async ({ candidate }) =>
    (await policy.judge(candidate)).find(({ kind }) => kind === "confirm")?.response;

/** Responses judged a second, so many tasks at once. */
const paced = (kind: Kind, work: Work) => async (given: Readonly<Record<Kind, readonly Case[]>>) => {
  const rest = given[kind].values();
  const before = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      for (const each of rest) await work(each);
    }),
  );
  return (given[kind].length * kinds[kind].responses * 1_000) / (performance.now() - before);
};

/** Milliseconds that 99 of 100 tasks are judged within; so many at once. */
const tail =
  (work: Work, atOnce: number) =>
  async ({ simple }: Readonly<Record<Kind, readonly Case[]>>) => {
    const took: number[] = [];
    const rest = simple.values();
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        for (const each of rest) {
          const before = performance.now();
          await work(each);
          took.push(performance.now() - before);
        }
      }),
    );
    return took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.99)] ?? Number.NaN;
  };

/** Who is compared must say the same: else the figures mean nothing. */
async function requireAgreement(kind: Kind, works: readonly Work[]): Promise<void> {
  for (const given of cases(0, 40, kinds[kind].responses)) {
    const [ours, ...others] = await Promise.all(works.map((work) => work(given)));
    if (others.some((other) => other !== ours)) throw new Error(`${kind}: ${ours} is not ${others.join(", ")}`);
  }
}

/** Verdicts end to end: facts gathered, sent to a thread, evaluated, compared by the strategy. */
export const policy: Benchmark = {
  name: "policy",
  what: "responses judged a second by three policies, in worker threads; the peer is json-rules-engine, in its own thread",
  run: async ({ rounds }) => {
    const evaluator = createWorkerEvaluator({ threads });
    const bare = await openBareTrip(threads);
    const ours = await loadOurs(evaluator);
    const inProcess = await loadOurs(createInProcessEvaluator());
    const peer = createPeer();
    const byPeer =
      (kind: Kind): Work =>
      ({ facts }) =>
        peer[kind](facts);
    const trip: Work = ({ facts }) => bare.go(facts);
    for (const kind of Object.keys(kinds) as Kind[]) {
      await requireAgreement(kind, [judging(ours[kind]), judging(inProcess[kind]), byPeer(kind)]);
    }
    const casesOf = (round: number) => {
      const from = (round + 2) * 10_000;
      return {
        simple: cases(from, kinds.simple.tasks, kinds.simple.responses),
        schema: cases(from, kinds.schema.tasks, kinds.schema.responses),
        quorum: cases(from, kinds.quorum.tasks, kinds.quorum.responses),
      };
    };
    const { medians, all } = await alternate(rounds, casesOf, {
      simple: paced("simple", judging(ours.simple)),
      simpleHere: paced("simple", judging(inProcess.simple)),
      simplePeer: paced("simple", byPeer("simple")),
      simpleTrip: paced("simple", trip),
      schema: paced("schema", judging(ours.schema)),
      schemaPeer: paced("schema", byPeer("schema")),
      quorum: paced("quorum", judging(ours.quorum)),
      quorumPeer: paced("quorum", byPeer("quorum")),
      quorumTrip: paced("quorum", trip),
      tail: tail(judging(ours.simple), 1),
      tailPeer: tail(byPeer("simple"), 1),
      tailTrip: tail(trip, 1),
      tailBusy: tail(judging(ours.simple), inFlight),
      tailBusyPeer: tail(byPeer("simple"), inFlight),
      tailBusyTrip: tail(trip, inFlight),
    });
    await Promise.all([evaluator.close(), bare.close()]);
    const row = (label: string, unit: string, ours: number, peer: number, limit: number): Row => {
      return { label, unit, ours, peer, limit };
    };
    const { simple, simpleHere, simplePeer, simpleTrip, schema, schemaPeer, quorum, quorumPeer, quorumTrip } = medians;
    return {
      rows: [
        row("simple", "responses/s", simple, simplePeer, simpleTrip),
        row("simple, without a thread", "responses/s", simpleHere, simplePeer, simpleTrip),
        row("with a JSON Schema", "responses/s", schema, schemaPeer, simpleTrip),
        row("quorum of 50", "responses/s", quorum, quorumPeer, quorumTrip),
        row("simple, p99, one at a time", "ms", medians.tail, medians.tailPeer, medians.tailTrip),
        row(`simple, p99, ${inFlight} at once`, "ms", medians.tailBusy, medians.tailBusyPeer, medians.tailBusyTrip),
      ],
      goals: [
        atMost("p99 of a simple policy, one at a time, ms", 5, medians.tail),
        atMost(`p99 of a simple policy, ${inFlight} at once, ms`, 5, medians.tailBusy),
      ],
      detail: { threads, inFlight, kinds, all },
    };
  },
};
