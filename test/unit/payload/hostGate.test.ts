import { expect, onTestFinished, test, vi } from "vitest";
import { createHostGate, type GateJob, type HostGate, type HostGateOptions } from "../../../src/payload/hostGate.ts";
import { hostGroup } from "../../../src/payload/hostGroup.ts";

/** Jobs that end when they are told to, in the order in which they were started; time passes when it is told to. */
function createJobs() {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  let time = 0;
  const now = () => time;
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const job = (name: string, some: Partial<GateJob<string>> = {}): GateJob<string> => ({
    host: name.charAt(0),
    hostWidth: 2,
    slowWidth: 1,
    hostQueue: 3,
    bytes: 1,
    patienceMs: 100,
    run: () => {
      started.push(name);
      return new Promise((resolve) => ends.set(name, () => resolve(name)));
    },
    ...some,
  });
  const settle = () => new Promise(setImmediate);
  const end = async (name: string) => {
    ends.get(name)?.();
    await settle();
  };
  const pass = async (ms: number) => {
    await settle();
    time += ms;
    await vi.advanceTimersByTimeAsync(ms);
    await settle();
  };
  const gateOf = (options: Omit<HostGateOptions, "now">): HostGate => createHostGate({ ...options, now });
  return { job, started, end, settle, pass, gateOf };
}

test("a host that is slow holds up only itself, and hosts take turns", async () => {
  const { job, started, end, settle, gateOf } = createJobs();
  const gate = gateOf({ width: 4, bytes: 100, queue: 10 });
  for (const name of ["a1", "a2", "a3", "a4", "b1", "b2", "b3", "c1", "c2"]) void gate(job(name));
  await settle();
  expect(started).toEqual(["a1", "a2", "b1", "b2"]);
  await end("b1");
  await end("b2");
  await end("c1");
  expect(started.slice(4)).toEqual(["b3", "c1", "c2"]);
  await end("a1");
  expect(started.at(-1)).toBe("a3");
});

test("queues are bounded, together and for each host", async () => {
  const { job, started, end, settle, gateOf } = createJobs();
  const gate = gateOf({ width: 1, bytes: 100, queue: 5 });
  const names = ["a1", "a2", "a3", "a4", "a5", "b1", "b2", "c1"];
  const turns = names.map((name) => gate(job(name)));
  await settle();
  for (const name of ["a1", "a2", "b1", "a3", "b2", "a4"]) await end(name);
  expect(started).toHaveLength(6);
  const refused = (await Promise.all(turns)).map((turn) => (turn.ran ? "" : turn.why));
  expect(refused).toEqual(["", "", "", "", "queue-full", "", "", "queue-full"]);
});

test("bytes are bounded, and what is larger than all of them runs alone", async () => {
  const { job, started, end, settle, gateOf } = createJobs();
  const gate = gateOf({ width: 9, bytes: 10, queue: 10 });
  for (const [name, bytes] of [
    ["a1", 6],
    ["b1", 6],
    ["c1", 1],
    ["d1", 50],
  ] as const)
    void gate(job(name, { bytes }));
  await settle();
  expect(started).toEqual(["a1"]);
  await end("a1");
  expect(started).toEqual(["a1", "b1", "c1"]);
  await end("b1");
  expect(started).toHaveLength(3);
  await end("c1");
  expect(started.at(-1)).toBe("d1");
});

test("what is urgent has places and a queue of its own, and the first room that there is", async () => {
  const { job, started, end, settle, gateOf } = createJobs();
  const gate = gateOf({ width: 2, urgentWidth: 1, bytes: 10, queue: 1 });
  const urgent = (name: string, bytes = 1) => void gate(job(name, { bytes, isUrgent: true }));
  for (const name of ["a1", "b1", "c1"]) void gate(job(name, { bytes: 3 }));
  urgent("u1");
  urgent("u2", 6);
  await settle();
  expect(started).toEqual(["a1", "b1", "u1"]);
  await end("u1");
  expect(started).toHaveLength(3);
  // There would be room for it, but what is urgent waits for more.
  await end("a1");
  expect(started.slice(3)).toEqual(["u2"]);
  await end("b1");
  expect(started.slice(4)).toEqual(["c1"]);
});

test("a job that fails gives its place back", async () => {
  const { job, settle, gateOf } = createJobs();
  const gate = gateOf({ width: 1, bytes: 1, queue: 1 });
  const failing = gate(job("a1", { run: () => Promise.reject(new Error("no")) }));
  const next = gate(job("b1", { run: async () => "done" }));
  await expect(failing).rejects.toThrow("no");
  expect(await next).toEqual({ ran: true, result: "done" });
  await settle();
  expect(await gate(job("c1", { run: async () => "again" }))).toEqual({ ran: true, result: "again" });
});

const inVain = async (turn: ReturnType<HostGate>) => {
  const came = await turn;
  return came.ran ? "it had its turn" : came.why;
};

test("a wait for a turn is bounded, and what was kept behind it goes on", async () => {
  const { job, started, pass, settle, gateOf } = createJobs();
  const gate = gateOf({ width: 9, bytes: 10, queue: 10 });
  void gate(job("a1", { bytes: 6 }));
  const large = gate(job("b1", { bytes: 9 }));
  void gate(job("c1", { bytes: 1, patienceMs: 1_000 }));
  await settle();
  expect(started).toEqual(["a1"]);
  await pass(100);
  expect(await inVain(large)).toBe("late");
  expect(started).toEqual(["a1", "c1"]);
  // Others were in its way, and so its host is not slow.
  for (const name of ["b2", "b3"]) void gate(job(name));
  await settle();
  expect(started.slice(2)).toEqual(["b2", "b3"]);
});

test("nothing waits for a host that is slow, and one job at a time finds out whether it still is", async () => {
  const { job, started, pass, end, settle, gateOf } = createJobs();
  const gate = gateOf({ width: 9, bytes: 100, queue: 100 });
  for (const name of ["a1", "a2"]) void gate(job(name));
  const waiting = ["a3", "a4", "a5"].map((name) => gate(job(name)));
  await pass(100);
  expect(await Promise.all(waiting.map(inVain))).toEqual(["late", "late", "slow-host"]);

  expect(await inVain(gate(job("a6")))).toBe("slow-host");
  await end("a1");
  await end("a2");
  const probe = gate(job("a7"));
  expect(await inVain(gate(job("a8")))).toBe("slow-host");
  await pass(29_999);
  await end("a7");
  expect(await probe).toMatchObject({ ran: true });
  await pass(29_999);
  void gate(job("a9"));
  expect(await inVain(gate(job("a10")))).toBe("slow-host");
  await end("a9");
  for (const name of ["a11", "a12"]) void gate(job(name));
  await settle();
  expect(started.slice(2)).toEqual(["a7", "a9", "a11", "a12"]);
});

test("a host that was slow is forgotten in time; what everybody uses keeps its width, and is waited for no longer", async () => {
  const { job, started, pass, end, settle, gateOf } = createJobs();
  const gate = gateOf({ width: 9, bytes: 100, queue: 100 });
  const shared = (name: string) => gate(job(name, { slowWidth: 2 }));
  for (const name of ["g1", "g2"]) void shared(name);
  await pass(100);
  for (const name of ["g1", "g2"]) await end(name);
  for (const name of ["g3", "g4"]) void shared(name);
  expect(await inVain(shared("g5"))).toBe("slow-host");
  await pass(30_000);
  const patient = shared("g6");
  for (const name of ["g3", "g4"]) await end(name);
  await settle();
  expect(started).toEqual(["g1", "g2", "g3", "g4", "g6"]);
  await end("g6");
  expect(await patient).toMatchObject({ ran: true });
});

test.each([
  ["a1.evil.example", "evil.example"],
  ["deep.a1.evil.example.", "evil.example"],
  ["evil.example", "evil.example"],
  ["localhost", "localhost"],
  ["8.8.8.8", "8.8.8.8"],
  ["[2606:4700:1:2:3:4:5:6]", "2606:4700:1:2::/64"],
  ["[2606:4700:1:2::6]", "2606:4700:1:2::/64"],
  ["[2606:4700::6]", "2606:4700:0:0::/64"],
  ["[::1]", "0:0:0:0::/64"],
])("%s burdens %s", (host, group) => expect(hostGroup(host)).toBe(group));
