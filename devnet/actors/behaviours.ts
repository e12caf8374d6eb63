import type { Job } from "./job.ts";
import { sentimentOf } from "./sentiment.ts";

/** How a provider works: how long it takes, what it asks, and what it hands in. */
export type Behaviour = {
  readonly name: string;
  /** Milliseconds of work between the attempt and the response. */
  readonly delayMs: number;
  /** Its price in basis points of the task's payment; the chain refuses more than 10000. */
  readonly priceBps: number;
  /** The response's `data`: a URL, or the answer itself. */
  answer(job: Job): Promise<string>;
};

export type BehaviourOptions = {
  readonly delayMs?: number;
  /** Basis points of the task's payment. @default 8000 */
  readonly priceBps?: number;
};

type Answer = Behaviour["answer"];

/** Makes a behaviour out of a name, defaults and an answer; the caller may still choose the pace and the price. */
const behaviour =
  (name: string, answer: Answer, defaults: BehaviourOptions = {}) =>
  (options: BehaviourOptions = {}): Behaviour => ({
    name,
    delayMs: options.delayMs ?? defaults.delayMs ?? 0,
    priceBps: options.priceBps ?? defaults.priceBps ?? 8_000,
    answer,
  });

const solve: Answer = async (job) => job.gateway.putJson(sentimentOf(await job.text()));

/** Does the work and asks a fair price. */
export const honest = behaviour("honest", solve);
/** The same answer, inline instead of behind a URL. */
export const inline = behaviour("inline", async (job) => JSON.stringify(sentimentOf(await job.text())));
/** Does the work in its own time. */
export const slow = behaviour("slow", solve, { delayMs: 3_000 });
/** Does the work and asks for all there is. */
export const overpriced = behaviour("overpriced", solve, { priceBps: 10_000 });
/** Valid JSON of another shape. */
export const wrongSchema = behaviour("wrongSchema", async ({ gateway }) => gateway.putJson({ sentiment: 1 }));
/** Its job crashed, and it asks for money all the same. */
export const errorText = behaviour("errorText", async ({ gateway }) =>
  gateway.putJson({ error: "CUDA out of memory", text: "Error: failed" }),
);
/** Not JSON at all, whatever the content type says. */
export const notJson = behaviour("notJson", async ({ gateway }) =>
  gateway.put("<html><body>502 Bad Gateway</body></html>"),
);
/** Waits for somebody's answer and hands it in for less. */
export const copycat = behaviour("copycat", (job) => job.rivalsData(), { priceBps: 5_000 });
/** Does the work, but only once somebody else has answered. */
export const lateComer = behaviour("lateComer", async (job) => {
  await job.rivalsData();
  return solve(job);
});
/** A body of 64 MiB without a content length. */
export const hugePayload = behaviour("hugePayload", async ({ gateway }) => gateway.hugeUrl);
/** A body that drips one byte a second. */
export const slowPayload = behaviour("slowPayload", async ({ gateway }) => gateway.slowUrl);
/** Nobody listens there. */
export const deadUrl = behaviour("deadUrl", async ({ gateway }) => gateway.deadUrl);
/** Behind the CID are other bytes than those it names. */
export const tampered = behaviour("tampered", async (job) => {
  const url = await job.gateway.putJson({ ...sentimentOf(await job.text()), job: job.task });
  job.gateway.tamper(url, JSON.stringify({ label: "positive", confidence: 0.99, text: "trust me" }));
  return url;
});
