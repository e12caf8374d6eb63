import { expect, it } from "vitest";
import { chainTasks } from "../../../src/cli/chainTasks.ts";
import { watchedSources } from "../../../src/cli/watchedSources.ts";
import { loadPolicies } from "../../../src/policy/loadPolicies.ts";
import type { AccountAddress, SourceAddress, TaskAddress } from "../../../src/protocol/brand.ts";
import type { ChainEvent } from "../../../src/protocol/events.ts";
import { address, aResponse, aSnapshot, aSource, aTask, client, fakeChain, hashOf } from "../../support/fakeChain.ts";
import { folderOf, invalidOutput, outputOf, policyText } from "../policy/support.ts";

const [ours, ofClient, ofAgent, foreign] = [0x21, 0x22, 0x23, 0x24].map((digits) => address<SourceAddress>(digits)) as [
  SourceAddress,
  SourceAddress,
  SourceAddress,
  SourceAddress,
];
const signer = address<AccountAddress>(0xd1);
const principal = address<AccountAddress>(0x4b);
const stranger = address<AccountAddress>(0x4c);
const clients = new Map([
  [ours, stranger],
  [ofClient, client],
  [ofAgent, principal],
  [foreign, stranger],
]);
const sources = [...clients.keys()];
/** Each source has one task, whose address is the source's and a zero. */
const taskOf = (source: SourceAddress) => `0x${source.slice(3)}0` as TaskAddress;

const chain = fakeChain({
  source: async (asked) => aSource({ address: asked, client: clients.get(asked) ?? stranger }),
  hasAgentAmong: async (who, agents) => who === principal && agents.includes(signer),
  events: async () => ({
    events: sources.map(
      (source): ChainEvent => ({
        ...{ type: "TaskPublished", task: taskOf(source), source },
        at: { blockNumber: 7n, blockHash: hashOf(7), logIndex: 0 },
      }),
    ),
    parentHash: hashOf(6),
    last: { ...aSnapshot().block },
  }),
  responsesOfTask: async () => [aResponse().address],
  snapshot: async (task, source) =>
    aSnapshot({
      task: aTask({ address: task, source }),
      source: aSource({ address: source }),
      responses: [aResponse({ task })],
    }),
});
const journalOf = (signers: readonly AccountAddress[]) => ({
  leases: async () => signers.map((each) => ({ signer: each, owner: "a", token: 1, expiresAt: 0 })),
});
const configOf = (watch: object, remoteAddresses: readonly AccountAddress[] = []) =>
  ({ watch: { sources: [], clients: [], own: true, ...watch }, signer: { remoteAddresses } }) as never;

const settings: readonly (readonly [
  what: string,
  signers: readonly AccountAddress[],
  config: never,
  SourceAddress[],
])[] = [
  ["sources that are named", [], configOf({ sources: [ours] }), [ours]],
  ["all of a client's sources", [], configOf({ clients: [client] }), [ofClient]],
  ["those of clients who made a key of the journal their agent", [signer], configOf({}), [ofAgent]],
  ["those of clients who made a remote key their agent", [], configOf({}, [signer]), [ofAgent]],
  ["no agent's where that is switched off", [signer], configOf({ own: false, clients: [client] }), [ofClient]],
];

it.each(settings)(
  "a backtest of the chain counts tasks of %s, and no others",
  async (_what, signers, config, counted) => {
    const isWatched = await watchedSources({ chain, journal: journalOf(signers) }, config);
    if (isWatched === undefined) throw new Error("nobody is watched");
    const set = loadPolicies(folderOf({ "a.yaml": policyText("output.valid") }));
    const payload = { fetch: async () => outputOf({}) };
    const deps = { chain, journal: { providerHistory: async () => new Map() }, payload, isWatched };
    const tasks = await chainTasks(deps, set, { from: 0n, to: 9n });
    expect(tasks.map((past) => past?.candidate.task.source)).toEqual(counted);
  },
);

it("leaves a task out of a backtest of which something could not be asked for", async () => {
  const set = loadPolicies(folderOf({ "a.yaml": policyText("output.valid", "match: { functions: [f] }") }));
  const readsNone = loadPolicies(folderOf({ "a.yaml": policyText("now > 0", "match: { functions: [f] }") }));
  const readsConfig = loadPolicies(folderOf({ "a.yaml": policyText("task.config.function_name == 'f'") }));
  const [config, data] = [aTask().config, "ipfs://data"];
  const responses = [aResponse({ task: taskOf(ours), data })];
  const one = { ...chain, snapshot: async () => aSnapshot({ task: aTask({ address: taskOf(ours) }), responses }) };
  const isWatched = async (source: SourceAddress) => source === ours;
  const unasked = { ...invalidOutput("its host is slow", true), unasked: true } as const;
  const outcome = async (policies: typeof set, missing: string) => {
    const payload = {
      fetch: async (asked: string) => (asked === missing ? unasked : outputOf({ function_name: "f" })),
    };
    const deps = { chain: one, journal: { providerHistory: async () => new Map() }, payload, isWatched };
    return (await chainTasks(deps, policies, { from: 0n, to: 9n })).map((past) => past?.policy.name);
  };
  expect(await outcome(set, "nothing")).toEqual(["a"]);
  expect(await outcome(set, data)).toEqual([undefined]);
  expect(await outcome(set, config)).toEqual([undefined]);
  expect(await outcome(readsNone, data)).toEqual(["a"]);
  expect(await outcome(readsConfig, config)).toEqual([undefined]);
});

it("says so where neither the configuration nor the journal names anybody", async () => {
  expect(await watchedSources({ chain, journal: journalOf([]) }, configOf({}))).toBeUndefined();
  expect(await watchedSources({ chain, journal: journalOf([signer]) }, configOf({ own: false }))).toBeUndefined();
});
