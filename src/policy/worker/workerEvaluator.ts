import { availableParallelism } from "node:os";
import type { Evaluator } from "../evaluator.ts";
import type { Program } from "../program.ts";
import { type EvaluationThread, startThread } from "./evaluationThread.ts";
import { abandon, cutOff, isUnfinished, type Job, nextTexts, strike } from "./job.ts";
import type { Answer } from "./messages.ts";

type WorkerEvaluatorOptions = {
  /** Threads that evaluate at the same time; a spare one stands by besides. @default 2, or 1 on two processors */
  readonly threads?: number;
  /** MiB of each thread's heap. @default 128 */
  readonly memoryMb?: number;
  /** Milliseconds that a thread may take to compile a program, or to read its facts. @default 10000 */
  readonly patienceMs?: number;
  /** Told of each thread that had to be replaced. */
  readonly onKilled?: (reason: string) => void;
};

type Slot = {
  readonly thread: EvaluationThread;
  isReady: boolean;
  job: Job | undefined;
  orderId: number;
  timer: NodeJS.Timeout | undefined;
};

/** One processor is left to the rest of the daemon. */
const usualThreads = () => Math.max(1, Math.min(2, availableParallelism() - 1));

const restartMs = 1_000;
const maxFailedStarts = 3;
/** Orders are numbered in 32 bits. */
const maxOrders = 2 ** 31;

/**
 * Evaluates in worker threads. Each response has a budget of its own: a thread that overruns it is killed and replaced;
 * the response is tried once again, by itself, then held; its siblings and the other policies go on. No thread starts before
 * there is something for it.
 */
export function createWorkerEvaluator(options: WorkerEvaluatorOptions = {}): Evaluator {
  const { threads = usualThreads(), memoryMb = 128, patienceMs = 10_000, onKilled } = options;
  /** Two bytes each at worst, as text and once more as what is read from it: half of the heap. */
  const mostChars = (memoryMb * 2 ** 20) / 8;
  const waiting: Job[] = [];
  const idle: Slot[] = [];
  const slots = new Set<Slot>();
  /** Why programs did not compile, by digest. */
  const failures = new Map<string, string>();
  let programs: readonly Program[] = [];
  let failedStarts = 0;
  let closed = false;
  let orders = 0;

  const open = (): void => {
    const thread = startThread(memoryMb, {
      onAnswer: (answer) => onAnswer(slot, answer),
      onEnd: (reason) => lose(slot, reason),
    });
    const slot: Slot = { thread, isReady: false, job: undefined, orderId: 0, timer: undefined };
    slots.add(slot);
    for (const program of programs) load(slot, program);
  };

  const load = ({ thread }: Slot, program: Program): void => {
    if (thread.loaded.has(program.digest)) return;
    thread.loaded.add(program.digest);
    thread.post({ type: "load", program });
  };

  /** Loads what is in force, and forgets the rest: what still asks for another program brings it along. */
  const bringUpToDate = (slot: Slot): void => {
    const { loaded, post } = slot.thread;
    for (const digest of loaded) {
      if (programs.some((program) => program.digest === digest)) continue;
      loaded.delete(digest);
      post({ type: "forget", digest });
    }
    for (const program of programs) load(slot, program);
  };

  /**
   * Counts the time until the next answer. The time before a thread has read its facts is not the evaluation's: it may
   * wait for a processor.
   *
   * @param waitedMs For the thread to begin, so far; `undefined`: it has begun.
   */
  const arm = (slot: Slot, job: Job, waitedMs: number | undefined): void => {
    clearTimeout(slot.timer);
    const { orderId, thread } = slot;
    const { budgetMs } = job.options;
    const done = job.assessments.length;
    const expire = () => {
      if (!slots.has(slot) || slot.orderId !== orderId || job.assessments.length !== done) return;
      if (waitedMs === undefined) lose(slot, `took longer than ${budgetMs} ms`);
      else if (thread.hasBegun(orderId)) arm(slot, job, undefined);
      else if (waitedMs + budgetMs >= patienceMs) lose(slot, `did not begin within ${patienceMs} ms`);
      else arm(slot, job, waitedMs + budgetMs);
    };
    // Its answer may have come while this thread was busy: what came is read first.
    slot.timer = setTimeout(() => setImmediate(() => setImmediate(expire)), budgetMs);
  };

  const take = (slot: Slot): void => {
    clearTimeout(slot.timer);
    slot.job = waiting.shift();
    if (slot.job === undefined) idle.push(slot);
    else begin(slot, slot.job);
  };

  const begin = (slot: Slot, job: Job): void => {
    const { program, options } = job;
    const { stopAtEligible } = options;
    const facts = nextTexts(job, mostChars);
    if (facts.length === 0 && job.facts.length > 0) {
      end(slot, job);
      return;
    }
    load(slot, program);
    orders = (orders + 1) % maxOrders;
    slot.orderId = orders;
    slot.thread.post({ type: "assess", id: slot.orderId, digest: program.digest, facts, stopAtEligible });
    arm(slot, job, 0);
  };

  const dispatch = (job: Job, first = false): void => {
    if (first) waiting.unshift(job);
    else waiting.push(job);
    const slot = idle.shift();
    if (slot) take(slot);
  };

  const onAnswer = (slot: Slot, answer: Answer): void => {
    const { job } = slot;
    switch (answer.type) {
      case "ready":
        failedStarts = 0;
        slot.isReady = true;
        take(slot);
        break;
      case "loaded":
        if (!answer.error) break;
        failures.set(answer.digest, answer.error);
        // It does not have it: whoever asks for it again, after the failures were forgotten, is to hear of them again.
        slot.thread.loaded.delete(answer.digest);
        break;
      case "assessed":
        if (answer.id !== slot.orderId || !job) break;
        job.assessments.push(answer.assessment);
        if (!answer.done) arm(slot, job, undefined);
        else if (isUnfinished(job)) begin(slot, job);
        else end(slot, job);
        break;
      case "done":
        if (answer.id === slot.orderId && job) end(slot, job);
        break;
      default:
        answer satisfies never;
    }
  };

  const end = (slot: Slot, job: Job): void => {
    const failure = failures.get(job.program.digest);
    if (job.refuse && failure) job.refuse(failure);
    else job.settle(job.assessments);
    take(slot);
  };

  const lose = (slot: Slot, reason: string): void => {
    clearTimeout(slot.timer);
    slot.thread.kill();
    if (!slots.delete(slot) || closed) return;
    const place = idle.indexOf(slot);
    if (place >= 0) idle.splice(place, 1);
    onKilled?.(reason);
    if (!slot.isReady) {
      // The next one may not start either, and must not be tried at once, for ever.
      if (++failedStarts >= maxFailedStarts) {
        for (const job of waiting.splice(0)) abandon(job, "the evaluation threads do not start");
      }
      setTimeout(() => !closed && open(), restartMs).unref();
      return;
    }
    open();
    const { job } = slot;
    if (job?.refuse) job.refuse(`the policy ${reason} when it was compiled`);
    else if (job && strike(job, reason)) dispatch(job, true);
  };

  let opened = false;
  const openAll = (): void => {
    if (opened) return;
    opened = true;
    for (let count = 0; count <= threads; count++) open();
  };

  const submit = (job: Omit<Job, "assessments" | "struckAt">): void => {
    const whole: Job = { ...job, assessments: [], struckAt: -1 };
    if (closed) {
      cutOff(whole);
      return;
    }
    openAll();
    dispatch(whole);
  };

  return {
    prepare: async (wanted) => {
      programs = wanted;
      failures.clear();
      const compiled = wanted.map((program) => {
        const { promise, resolve, reject } = Promise.withResolvers<unknown>();
        const refuse = (reason: string) => reject(new TypeError(reason));
        const none = { budgetMs: patienceMs, stopAtEligible: false };
        submit({ program, facts: [], options: none, settle: resolve, fail: reject, refuse });
        return promise;
      });
      await Promise.all(compiled);
      for (const slot of slots) bringUpToDate(slot);
    },
    assess: (program, facts, wanted) =>
      new Promise((settle, fail) => {
        submit({ program, facts, options: wanted, settle, fail, refuse: undefined });
      }),
    close: async () => {
      closed = true;
      for (const { timer, thread, job } of slots) {
        clearTimeout(timer);
        thread.kill();
        if (job) cutOff(job);
      }
      for (const job of waiting.splice(0)) cutOff(job);
    },
  };
}
