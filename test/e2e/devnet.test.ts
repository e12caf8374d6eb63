import {
  type Address,
  createWalletClient,
  encodeFunctionData,
  getAddress,
  http,
  parseEther,
  parseEventLogs,
  type TransactionReceipt,
  zeroAddress,
} from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  copycat,
  deadUrl,
  errorText,
  honest,
  inline,
  lateComer,
  overpriced,
  slow,
  tampered,
  wrongSchema,
} from "../../devnet/actors/behaviours.ts";
import type { TaskOrder } from "../../devnet/actors/client.ts";
import { createLane } from "../../devnet/actors/lane.ts";
import type { Provider } from "../../devnet/actors/provider.ts";
import { compileContracts } from "../../devnet/compile.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { awaitReceipt } from "../../devnet/receipt.ts";
import { createJsonRpc } from "../../src/chain/createJsonRpc.ts";
import { eventReads } from "../../src/chain/eventReads.ts";
import { RetryableError } from "../../src/errors.ts";
import { nexusAbi, responseAbi, sourceAbi, taskAbi, terminalAbi, vaultAbi } from "../../src/protocol/abi.ts";
import { type ResponseAddress, type SourceAddress, type TaskAddress, toAddress } from "../../src/protocol/brand.ts";
import { DeliveryMethod, ResponseStatus, TaskStatus } from "../../src/protocol/statuses.ts";

let devnet: Devnet;
let source: SourceAddress;
let ada: Provider;
let bob: Provider;
let copy: Provider;
let config: string;

beforeAll(async () => {
  devnet = await startDevnet({ providers: 16 });
  source = await devnet.client.publishSource({ minPayment: parseEther("0.5") });
  ada = devnet.createProvider(honest());
  bob = devnet.createProvider(honest({ priceBps: 6_000 }));
  copy = devnet.createProvider(copycat());
  await Promise.all([ada, bob, copy].map((provider) => provider.enrol(source)));
  config = await devnet.gateway.putJson({ function_name: "sentiment", data: { text: "a great devnet" } });
});
afterAll(() => devnet.stop());

const publish = (order: Partial<TaskOrder> = {}) => devnet.client.publishTask({ source, config, ...order });
const refusal = (reason: string) => ({ name: "RevertError", reason });

const read = {
  task: (address: TaskAddress, functionName: "status" | "winningProvider" | "getAttemptCount") =>
    devnet.publicClient.readContract({ address, abi: taskAbi, functionName }),
  responses: (address: TaskAddress, lower: bigint, upper: bigint) =>
    devnet.publicClient.readContract({ address, abi: taskAbi, functionName: "getResponsesOf", args: [lower, upper] }),
  response: (address: ResponseAddress, functionName: "status" | "confirmedFinal") =>
    devnet.publicClient.readContract({ address, abi: responseAbi, functionName }),
  vault: (functionName: "balanceOf" | "frozenPayment" | "totalEarningsOf" | "lockupOf", account: Address) =>
    devnet.publicClient.readContract({
      address: devnet.deployment.vault,
      abi: vaultAbi,
      functionName,
      args: [account],
    }),
};

/** The Nexus's events of a transaction, in order, as `Name(arguments)`. */
const eventsOf = ({ logs }: TransactionReceipt) =>
  parseEventLogs({
    abi: nexusAbi,
    logs: logs.filter((log) => getAddress(log.address) === devnet.deployment.nexus),
  }).map(({ eventName, args }) => `${eventName}(${Object.values(args).map(String).join(", ").toLowerCase()})`);

describe("a task under manual confirmation", () => {
  test("goes from publication to payment, and every wei is accounted for", async () => {
    const before = await read.vault("balanceOf", devnet.client.address);
    const adaBefore = await read.vault("balanceOf", ada.address);
    const earnedBefore = await read.vault("totalEarningsOf", ada.address);
    const payment = parseEther("1") + 7n;

    const task = await publish({ payment });
    expect(await read.task(task, "status")).toBe(TaskStatus.NEW);
    expect(await read.vault("frozenPayment", task)).toBe(payment);
    expect(await read.vault("balanceOf", devnet.client.address)).toBe(before - payment);

    const attempted = await ada.attempt(task, payment);
    expect(eventsOf(attempted)).toEqual([
      `Attempted(${task}, ${ada.address.toLowerCase()}, ${payment})`,
      `TaskStatusChanged(${task}, 1)`,
    ]);
    const price = 700_000_000_000_000_003n;
    const { response } = await ada.submit(task, "anything", price);
    expect(await read.task(task, "status")).toBe(TaskStatus.RESPONDED);
    expect(await read.response(response, "status")).toBe(ResponseStatus.SUBMITTED);

    const receipt = await devnet.client.confirmResponse(response);
    expect(eventsOf(receipt)).toEqual([`ResponseStatusChanged(${response}, 1)`, `TaskStatusChanged(${task}, 5)`]);
    expect(await read.response(response, "confirmedFinal")).toBe(true);
    expect(await read.task(task, "status")).toBe(TaskStatus.FINALIZED);
    expect(await read.task(task, "winningProvider")).toBe(ada.address);
    expect(await read.vault("frozenPayment", task)).toBe(0n);
    expect(await read.vault("balanceOf", ada.address)).toBe(adaBefore + price);
    expect(await read.vault("totalEarningsOf", ada.address)).toBe(earnedBefore + price);
    expect(await read.vault("balanceOf", devnet.client.address)).toBe(before - price);
  });

  test("lets providers compete on price, and only the chosen one is paid", async () => {
    const task = await publish({ payment: parseEther("1") });
    const dear = await ada.respondTo(task);
    const cheap = await bob.respondTo(task);
    expect([dear.payment, cheap.payment]).toEqual([parseEther("0.8"), parseEther("0.6")]);
    const dearBefore = await read.vault("balanceOf", ada.address);
    const clientBefore = await read.vault("balanceOf", devnet.client.address);

    await devnet.client.confirmResponse(cheap.response);

    expect(await read.task(task, "winningProvider")).toBe(bob.address);
    expect(await read.vault("balanceOf", ada.address)).toBe(dearBefore);
    expect(await read.vault("balanceOf", devnet.client.address)).toBe(clientBefore + parseEther("0.4"));
    await expect(devnet.client.confirmResponse(dear.response)).rejects.toMatchObject(refusal("AlreadyFinalized"));
    await expect(devnet.client.confirmResponse(cheap.response)).rejects.toMatchObject(refusal("AlreadyConfirmed"));
  });

  test("is confirmed by the client's agent, and by no stranger", async () => {
    const { response } = await ada.respondTo(await publish());
    const stranger = devnet.createClient(devnet.accounts.stranger);
    await expect(stranger.confirmResponse(response)).rejects.toMatchObject(refusal("NotOwner"));
    await devnet.agent.confirmResponse(response);
    expect(await read.response(response, "confirmedFinal")).toBe(true);
  });

  test("is not confirmed by an agent whose authority was taken back", async () => {
    const former = await devnet.account("former agent");
    await devnet.client.setAgent(former.address);
    await devnet.client.setAgent(former.address, false);
    const { response } = await ada.respondTo(await publish());
    const agent = devnet.createClient(former, { onBehalfOf: devnet.client.address });
    await expect(agent.confirmResponse(response)).rejects.toMatchObject(refusal("NotOwner"));
  });

  test("concerns an agent from the block on in which its client authorises it: the scanner reads that", async () => {
    const agent = await devnet.account("new agent");
    const { blockNumber, blockHash } = await devnet.client.setAgent(agent.address);
    const rpc = createJsonRpc({ url: devnet.rpc.http, timeoutMs: 10_000 });
    const missing = (what: string) => new RetryableError(what, { code: "NODE_BEHIND" });
    const reads = eventReads({ rpc, deployment: devnet.deployment, report: () => undefined }, missing);
    const { events, last } = await reads.events(blockNumber, blockNumber);
    const [account, its] = [devnet.client.address, agent.address].map((each) => toAddress(each));
    expect(events).toMatchObject([{ type: "AgentSet", account, agent: its, at: { blockNumber, blockHash } }]);
    expect(await reads.eventsOfBlocks([last])).toEqual(events);
  });

  test("is paid once, however many confirmations race for it", async () => {
    const task = await publish();
    const rivals = [await ada.respondTo(task), await bob.respondTo(task)];
    const results = await Promise.allSettled(
      [devnet.client, devnet.agent].flatMap((actor) => rivals.map(({ response }) => actor.confirmResponse(response))),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await read.vault("frozenPayment", task)).toBe(0n);
  });

  test("is canceled only while nobody has tried it", async () => {
    const before = await read.vault("balanceOf", devnet.client.address);
    const fresh = await publish();
    const stranger = devnet.createClient(devnet.accounts.stranger);
    await expect(stranger.cancelTask(fresh)).rejects.toMatchObject(refusal("NotOwner"));
    expect(eventsOf(await devnet.client.cancelTask(fresh))).toEqual([`TaskStatusChanged(${fresh}, 3)`]);
    expect(await read.vault("balanceOf", devnet.client.address)).toBe(before);
    await expect(ada.attempt(fresh, 0n)).rejects.toMatchObject(refusal("AlreadyFinalized"));

    const tried = await publish();
    await ada.attempt(tried, 0n);
    await expect(devnet.client.cancelTask(tried)).rejects.toMatchObject(refusal("NotCancelable"));
  });

  test("expires lazily: confirmations are refused at once, the status follows with the next attempt", async () => {
    const before = await read.vault("balanceOf", devnet.client.address);
    const task = await publish({ lifetime: 60 });
    const { response } = await ada.respondTo(task);
    await devnet.travel(61);

    expect(await read.task(task, "status")).toBe(TaskStatus.RESPONDED);
    await expect(devnet.client.confirmResponse(response)).rejects.toMatchObject(refusal("Expired"));
    expect(eventsOf(await bob.attempt(task, 0n))).toEqual([`TaskStatusChanged(${task}, 4)`]);
    expect(await read.task(task, "status")).toBe(TaskStatus.EXPIRED);
    expect(await read.task(task, "getAttemptCount")).toBe(1n);
    expect(await read.vault("balanceOf", devnet.client.address)).toBe(before);
    await expect(bob.attempt(task, 0n)).rejects.toMatchObject(refusal("Expired"));
  });
});

describe("a task under FIRST_RESPONSE", () => {
  test("is confirmed and paid by the chain in the transaction that answers it", async () => {
    const eager = await devnet.client.publishSource({ deliveryMethod: DeliveryMethod.FIRST_RESPONSE });
    await Promise.all([ada.register(eager), bob.register(eager)]);
    const task = await publish({ source: eager });
    await bob.attempt(task, 0n);
    const before = await read.vault("balanceOf", ada.address);
    const { response, payment } = await ada.respondTo(task);

    expect(await read.response(response, "confirmedFinal")).toBe(true);
    expect(await read.task(task, "status")).toBe(TaskStatus.FINALIZED);
    expect(await read.task(task, "winningProvider")).toBe(ada.address);
    expect(await read.vault("balanceOf", ada.address)).toBe(before + payment);
    await expect(bob.submit(task, "too late", 1n)).rejects.toMatchObject(refusal("AlreadyFinalized"));
    await expect(devnet.client.confirmResponse(response)).rejects.toMatchObject(refusal("AlreadyConfirmed"));
  });
});

describe("a response", () => {
  test("is refused when it asks more than the task pays", async () => {
    const task = await publish({ payment: parseEther("1") });
    await ada.attempt(task, 0n);
    await expect(ada.submit(task, "x", parseEther("1") + 1n)).rejects.toMatchObject(refusal("PaymentTooHigh"));
    await expect(bob.attempt(task, parseEther("1") + 1n)).rejects.toMatchObject(refusal("PaymentTooHigh"));
  });

  test("is taken once from each provider, and only after an attempt", async () => {
    const task = await publish();
    await expect(ada.submit(task, "x", 1n)).rejects.toMatchObject(refusal("NotAttempted"));
    await ada.attempt(task, 0n);
    await expect(ada.attempt(task, 0n)).rejects.toMatchObject(refusal("AlreadyAttempted"));
    await ada.submit(task, "x", 1n);
    await expect(ada.submit(task, "x", 1n)).rejects.toMatchObject(refusal("AlreadySubmitted"));
    await expect(ada.submit(task, "y", 1n)).rejects.toMatchObject(refusal("AlreadySubmitted"));
  });

  test("may copy another provider's data: the chain does not stop that", async () => {
    const task = await publish();
    const [original, copied] = await Promise.all([ada.respondTo(task), copy.respondTo(task)]);
    expect(copied.data).toBe(original.data);
    expect(copied.payment).toBeLessThan(original.payment);
  });

  test("leaves a zero address where an attempter has not answered, and the page may reach past the end", async () => {
    const task = await publish();
    await ada.attempt(task, 0n);
    const { response } = await bob.respondTo(task);
    expect(await read.responses(task, 0n, 100n)).toEqual([zeroAddress, getAddress(response)]);
    expect(await read.responses(task, 1n, 2n)).toEqual([getAddress(response)]);
    expect(await read.responses(task, 5n, 9n)).toEqual([]);
  });

  test("of a stranger's own making is never confirmed, though it names a real task", async () => {
    const account = devnet.accounts.stranger;
    const { abi, bytecode } = (await compileContracts()).Response;
    const task = await publish();
    const params = { task, provider: account.address, data: "forged", payment: 1n };
    const { chain, rpc } = devnet.network;
    const wallet = createWalletClient({ account, chain, transport: http(rpc.http) });
    const hash = await wallet.deployContract({ abi, bytecode, args: [account.address, params] });
    const { contractAddress } = await awaitReceipt(devnet.network, hash);
    const forged = toAddress<ResponseAddress>(contractAddress ?? "");
    await expect(devnet.client.confirmResponse(forged)).rejects.toMatchObject(refusal("NotFound"));
  });
});

describe("the contracts refuse", () => {
  test("tasks that break the source's terms or the client's purse", async () => {
    await expect(publish({ payment: parseEther("0.4") })).rejects.toMatchObject(refusal("PaymentTooLow"));
    await expect(publish({ lifetime: 0 })).rejects.toMatchObject(refusal("Expired"));
    await expect(publish({ lifetime: 90_000 })).rejects.toMatchObject(refusal("ExpiryTooFar"));
    await expect(publish({ payment: parseEther("99999") })).rejects.toMatchObject(refusal("InsufficientBalance"));
    const stranger = devnet.createClient(devnet.accounts.stranger);
    await expect(stranger.publishTask({ source, config })).rejects.toMatchObject(refusal("NotOwner"));
    const forgery = devnet.createClient(devnet.accounts.stranger, { onBehalfOf: devnet.client.address });
    await expect(forgery.publishSource()).rejects.toMatchObject(refusal("NotOwner"));
  });

  test("tasks and registrations on a source that was inactivated", async () => {
    const closing = await devnet.agent.publishSource();
    await devnet.agent.inactivateSource(closing);
    await expect(publish({ source: closing })).rejects.toMatchObject(refusal("SourceInactive"));
    await expect(ada.register(closing)).rejects.toMatchObject(refusal("SourceInactive"));
  });

  test("providers that are unknown, unregistered or underfunded", async () => {
    const newcomer = devnet.createProvider(honest());
    await expect(newcomer.register(source)).rejects.toMatchObject(refusal("NotProvider"));
    await newcomer.announce(parseEther("5"));
    await expect(newcomer.register(source)).rejects.toMatchObject(refusal("InsufficientLockup"));
    await expect(newcomer.lock(parseEther("6"))).rejects.toMatchObject(refusal("InsufficientBalance"));
    await newcomer.lock(parseEther("5"));
    const demanding = await devnet.client.publishSource({ minAvailableLockup: parseEther("5") + 1n });
    await expect(newcomer.register(demanding)).rejects.toMatchObject(refusal("InsufficientLockup"));
    await expect(newcomer.attempt(await publish(), 0n)).rejects.toMatchObject(refusal("NotEligible"));
    await newcomer.register(source);
    const id = { address: source, abi: sourceAbi, functionName: "getRegistrantId", args: [newcomer.address] } as const;
    expect(await devnet.publicClient.readContract(id)).toBeGreaterThan(0n);
  });

  test("privileged calls by anybody who lacks the role", async () => {
    const account = devnet.accounts.stranger;
    const task = await publish();
    const simulate = devnet.publicClient.simulateContract;
    const { nexus, vault } = devnet.deployment;
    await expect(
      simulate({ account, address: nexus, abi: nexusAbi, functionName: "setTaskStatus", args: [task, 5] }),
    ).rejects.toThrow("NotController");
    await expect(
      simulate({
        account,
        address: vault,
        abi: vaultAbi,
        functionName: "releasePayment",
        args: [account.address, task],
      }),
    ).rejects.toThrow("NotController");
    await expect(
      simulate({ account, address: task, abi: taskAbi, functionName: "setStatus", args: [5] }),
    ).rejects.toThrow("OwnableUnauthorizedAccount");
  });
});

describe("a provider", () => {
  test("may have a master, which announces it and pays its lockup", async () => {
    const master = await devnet.account("master");
    const provider = devnet.createProvider(honest(), { master });
    await provider.enrol(source, parseEther("3"));
    expect(await read.vault("lockupOf", provider.address)).toBe(parseEther("3"));
    const terminal = { address: devnet.deployment.terminal, abi: terminalAbi } as const;
    expect(
      await devnet.publicClient.readContract({ ...terminal, functionName: "getMasterOf", args: [provider.address] }),
    ).toBe(master.address);
  });

  test("gets its lockup back after the unbonding period, and not before", async () => {
    const saver = await devnet.account("saver");
    const { vault: to } = devnet.deployment;
    const lane = createLane(devnet.network, saver);
    const claim = encodeFunctionData({ abi: vaultAbi, functionName: "claim" });
    const unbond = encodeFunctionData({ abi: vaultAbi, functionName: "unbond", args: [parseEther("2")] });
    await devnet.createProvider(honest(), { account: saver }).enrol(source);
    await lane.send({ to, data: unbond });
    await expect(lane.send({ to, data: claim })).rejects.toMatchObject(refusal("UnbondingNotElapsed"));
    await devnet.travel(61);
    await lane.send({ to, data: claim });
    expect(await read.vault("balanceOf", saver.address)).toBe(parseEther("2"));
  });

  test("hands in what its behaviour says", async () => {
    const task = await publish({ payment: parseEther("1") });
    const cast = [
      inline(),
      wrongSchema(),
      errorText(),
      overpriced(),
      deadUrl(),
      tampered(),
      lateComer(),
      slow({ delayMs: 50 }),
    ];
    const crew = cast.map((behaviour) => devnet.createProvider(behaviour));
    await Promise.all(crew.map((provider) => provider.enrol(source)));
    const [inlined, shapeless, failed, dear, dead, forged, late, unhurried] = await Promise.all(
      crew.map(async (provider) => (await provider.respondTo(task)).data),
    );
    const body = async (url = "") => (await fetch(url)).json();
    const answer = { label: "positive", confidence: 0.95, text: "a great devnet" };
    expect(JSON.parse(inlined ?? "")).toEqual(answer);
    expect(await body(shapeless)).toEqual({ sentiment: 1 });
    expect(await body(failed)).toEqual({ error: "CUDA out of memory", text: "Error: failed" });
    expect(dead).toBe(devnet.gateway.deadUrl);
    expect(await body(forged)).toMatchObject({ text: "trust me" });
    for (const url of [dear, late, unhurried]) expect(await body(url)).toEqual(answer);
  });

  test("gives up its work when it is stopped", async () => {
    const account = await devnet.account("quitter");
    const quitter = devnet.createProvider(slow({ delayMs: 60_000 }), { account });
    await quitter.enrol(source);
    const task = await publish();
    const work = quitter.respondTo(task);
    const outcome = expect(work).rejects.toThrow("aborted");
    await expect.poll(() => read.task(task, "getAttemptCount")).toBe(1n);
    quitter.stop();
    await outcome;
  });
});

describe("startDevnet", () => {
  test("deploys at the testnet's addresses, and does not wait for the block time while it does", async () => {
    const testnet = await startDevnet({ chainId: 200820172034, blockTime: 3_600 });
    const { nexus } = testnet.deployment;
    expect(nexus).toBe("0xF87bb2f3edB991a998992f14d35fE142e6Bb50b1");
    const owner = await testnet.publicClient.readContract({ address: nexus, abi: nexusAbi, functionName: "owner" });
    expect(owner).toBe(testnet.accounts.owner.address);
    await testnet.stop();
    await testnet.stop();
  });

  test("refuses a chain that the network is not on", async () => {
    await expect(startDevnet({ chainId: 1 })).rejects.toThrow("no deployment on chain 1");
  });
});
