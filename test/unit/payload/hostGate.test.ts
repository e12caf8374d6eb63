import { expect, test } from "vitest";
import { createHostGate, type GateJob } from "../../../src/payload/hostGate.ts";
import { hostGroup } from "../../../src/payload/hostGroup.ts";

/** Jobs that end when they are told to, in the order in which they were started. */
function createJobs() {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const job = (name: string, some: Partial<GateJob<string>> = {}): GateJob<string> => ({
    host: name.charAt(0),
    hostWidth: 2,
    hostQueue: 3,
    bytes: 1,
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
  return { job, started, end, settle };
}

test("a host that is slow holds up only itself, and hosts take turns", async () => {
  const { job, started, end, settle } = createJobs();
  const gate = createHostGate({ width: 4, bytes: 100, queue: 10 });
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
  const { job, started, end, settle } = createJobs();
  const gate = createHostGate({ width: 1, bytes: 100, queue: 5 });
  const names = ["a1", "a2", "a3", "a4", "a5", "b1", "b2", "c1"];
  const turns = names.map((name) => gate(job(name)));
  expect(turns.map((turn) => turn !== undefined)).toEqual([true, true, true, true, false, true, true, false]);
  await settle();
  for (const name of ["a1", "a2", "b1", "a3", "b2", "a4"]) await end(name);
  expect(started).toHaveLength(6);
});

test("bytes are bounded, and what is larger than all of them runs alone", async () => {
  const { job, started, end, settle } = createJobs();
  const gate = createHostGate({ width: 9, bytes: 10, queue: 10 });
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

test("a job that fails gives its place back", async () => {
  const { job, settle } = createJobs();
  const gate = createHostGate({ width: 1, bytes: 1, queue: 1 });
  const failing = gate(job("a1", { run: () => Promise.reject(new Error("no")) }));
  const next = gate(job("b1", { run: async () => "done" }));
  await expect(failing).rejects.toThrow("no");
  expect(await next).toBe("done");
  await settle();
  expect(await gate(job("c1", { run: async () => "again" }))).toBe("again");
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
