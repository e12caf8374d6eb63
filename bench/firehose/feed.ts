import type { AccountAddress, Hex, SourceAddress, TaskAddress } from "../../src/protocol/brand.ts";
import { eventTopics } from "../../src/protocol/events.ts";

/** A network's events as a node pushes them, and what a watcher should make of them. */
export type Feed = {
  /** The next messages, as flat strings, the way a socket gives them. */
  readonly next: (count: number) => readonly string[];
  /** Responses to our tasks so far, each counted once. */
  readonly ourResponses: () => number;
  readonly ourTasks: () => number;
  /** Events of ours so far, those that were sent twice counted once. */
  readonly ourEvents: () => number;
  readonly clientOf: (source: SourceAddress) => AccountAddress | undefined;
  readonly sourceOfTask: (task: TaskAddress) => SourceAddress | undefined;
};

export const subscription = "0x9ce59a13059e417087c02d3236a0b1cc";
export const signer = `0x${"a9".repeat(20)}` as AccountAddress;
/** The client that made the signer its agent. */
export const ourClient = `0x${"c1".repeat(20)}` as AccountAddress;

const nexus = "0x2b0cc6058313801d5feb184a539e3a0c5a87a6a1";
const foreignSources = 198;
const tasksAtOnce = 3_000;
/** One task of so many is ours: one per cent. */
const ourShare = 100;
/** One message of so many is sent twice. */
const repeats = 200;
const eventsPerBlock = 10_000;

type Step = { readonly topic: string; readonly first: string; readonly second: string };
type Life = { readonly steps: readonly Step[]; at: number; readonly isOurs: boolean };

/**
 * A network in which thousands of tasks live at the same time, each from TaskPublished over one to three responses to
 * FINALIZED, all mixed; the messages have geth's shape and anvil's members. The same seed gives the same feed.
 *
 * @param keepTasks Whether to remember whose task is whose, for look-ups: it takes memory. Without it each is somebody else's: ours
 *   are in the journal, and not looked up.
 */
export function createFeed(seed: number, { keepTasks = true } = {}): Feed {
  const random = xorshift(seed);
  const address = () => hex(random, 40);
  const clients = new Map<string, AccountAddress>();
  const sourceOf = (client: () => AccountAddress) => {
    const source = address();
    clients.set(`0x${source}`, client());
    return source;
  };
  const theirs = Array.from({ length: foreignSources }, () => sourceOf(() => `0x${address()}` as AccountAddress));
  const ours = Array.from({ length: 2 }, () => sourceOf(() => ourClient));
  const sourcesOfTasks = new Map<string, SourceAddress>();

  let tasks = 0;
  const counts = { tasks: 0, responses: 0, events: 0 };
  const begin = (): Life => {
    const isOurs = ++tasks % ourShare === 0;
    const pool = isOurs ? ours : theirs;
    const source = pool[random() % pool.length] ?? "";
    const task = address();
    if (keepTasks) sourcesOfTasks.set(`0x${task}`, `0x${source}` as SourceAddress);
    const responses = Array.from({ length: 1 + (random() % 3) }, address);
    const status = (value: number) => ({
      topic: eventTopics.TaskStatusChanged,
      first: task,
      second: String(value).padStart(40, "0"),
    });
    const steps: Step[] = [{ topic: eventTopics.TaskPublished, first: task, second: source }, status(1)];
    for (const [index, response] of responses.entries()) {
      steps.push({ topic: eventTopics.ResponseSubmitted, first: response, second: task });
      if (index === 0) steps.push(status(2));
    }
    const confirmed = {
      topic: eventTopics.ResponseStatusChanged,
      first: responses[0] ?? "",
      second: "1".padStart(40, "0"),
    };
    steps.push(confirmed, status(5));
    return { steps, at: 0, isOurs };
  };

  const alive: Life[] = [];
  let sent = 0;
  let blockHash = "";
  let last = "";
  const message = (): string => {
    if (sent % repeats === repeats - 1 && last !== "") {
      sent++;
      return last;
    }
    const index = sent++ % eventsPerBlock;
    if (index === 0 || blockHash === "") blockHash = hex(random, 64);
    const slot = random() % tasksAtOnce;
    let life = alive[slot];
    if (life === undefined || life.at === life.steps.length) {
      life = begin();
      alive[slot] = life;
    }
    const step = life.steps[life.at++] as Step;
    if (life.isOurs) count(step);
    const block = `0x${(1_000 + Math.floor(sent / eventsPerBlock)).toString(16)}`;
    const data = `0x${"0".repeat(24)}${step.first}${"0".repeat(24)}${step.second}` as Hex;
    last = flat(
      `{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"${subscription}","result":{"address":"${nexus}","topics":["${step.topic}"],"data":"${data}","blockNumber":"${block}","transactionHash":"0x${hex(random, 64)}","transactionIndex":"0x${(index >> 2).toString(16)}","blockHash":"0x${blockHash}","blockTimestamp":"0x68bd3a10","logIndex":"0x${index.toString(16)}","removed":false}}}`,
    );
    return last;
  };
  const count = ({ topic }: Step) => {
    counts.events++;
    if (topic === eventTopics.TaskPublished) counts.tasks++;
    if (topic === eventTopics.ResponseSubmitted) counts.responses++;
  };

  return {
    next: (wanted) => Array.from({ length: wanted }, message),
    ourResponses: () => counts.responses,
    ourTasks: () => counts.tasks,
    ourEvents: () => counts.events,
    clientOf: (source) => clients.get(source),
    sourceOfTask: (task) => (keepTasks ? sourcesOfTasks.get(task) : (`0x${theirs[0]}` as SourceAddress)),
  };
}

/** A text that was put together is a tree in memory; one that came from a socket is not. */
const flat = (text: string): string => Buffer.from(text, "latin1").toString("latin1");

const bytes = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"));

function hex(random: () => number, digits: number): string {
  let text = "";
  for (let left = digits; left > 0; left -= 8) {
    const word = random();
    text += `${bytes[word >>> 24]}${bytes[(word >>> 16) & 255]}${bytes[(word >>> 8) & 255]}${bytes[word & 255]}`;
  }
  return text;
}

/** Numbers of 32 bits. */
function xorshift(seed: number): () => number {
  let state = (seed * 0x9e3779b1) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}
