import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import type { Journal } from "../../src/journal/journal.ts";
import { isBesideDaemon } from "../../src/journal/leaseJournal.ts";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { type AccountAddress, checksummed, type SourceAddress, toAddress } from "../../src/protocol/brand.ts";
import { cli } from "../support/cli.ts";
import { type MeddlingProxy, startMeddlingProxy } from "../support/meddlingProxy.ts";

let devnet: Devnet;
let source: SourceAddress;
let proxy: MeddlingProxy;
let directory: string;
let daemon: Journal;
let signer: AccountAddress;
let sent: number;

beforeAll(async () => {
  devnet = await startDevnet();
  source = await devnet.client.publishSource();
  signer = toAddress<AccountAddress>(devnet.accounts.client.address);
});
afterAll(() => devnet.stop());
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "stood-still-"));
  proxy = await startMeddlingProxy(devnet.rpc.http);
  daemon = openSqliteJournal({ path: join(directory, "journal.sqlite"), chainId: devnet.chainId });
  sent = 0;
});
afterEach(async () => {
  await proxy.stop();
  await daemon.close();
  rmSync(directory, { recursive: true });
});

/** What a daemon does once the command has stood still for longer than its hold lasts. */
const takesTheKey = async () => {
  const now = Date.now() + 180_000;
  const held = (await daemon.leases()).some((lease) => isBesideDaemon(lease) && lease.expiresAt > Date.now());
  if (held) await daemon.takeLease(signer, "box 1", now, 30_000);
  return held;
};
const cancel = async () => {
  const task = checksummed(await devnet.client.publishTask({ source, config: "{}" }));
  return ["cancel", task, "--yes", "--sink-rebroadcast-after", "1s"];
};
const run = (words: readonly string[]) =>
  cli(
    [...words, "--network", "devnet", "--rpc-http", proxy.http, "--journal-path", join(directory, "journal.sqlite")],
    {
      cwd: directory,
      env: { CLIENT_PRIVATE_KEY: devnet.accounts.client.privateKey, OGPU_SIGNER_ROLE: "client" },
    },
  );

it("a command that stood still, and whose key a daemon took meanwhile, signs and sends nothing, and says so", async () => {
  const words = await cancel();
  const before = await devnet.publicClient.getTransactionCount({ address: signer });
  let taken = false;
  proxy.set(async ({ method }) => {
    if (method === "eth_sendRawTransaction") sent += 1;
    if (method === "eth_getTransactionCount") taken = (await takesTheKey()) || taken;
    return undefined;
  });
  const { code, err } = await run(words);
  expect({ taken, sent, code }).toEqual({ taken: true, sent: 0, code: 78 });
  expect(err).toMatch(/error KEY_IN_USE: box 1 has taken 0x\w+ by .* while this command stood still: nothing more/);
  expect(await devnet.publicClient.getTransactionCount({ address: signer, blockTag: "pending" })).toBe(before);
});

it("a command whose key was taken after it had sent looks for its receipt, and neither sends it again nor raises it", async () => {
  const words = await cancel();
  await testNode(devnet.network, "evm_setAutomine", [false]);
  proxy.set(async ({ method }) => {
    if (method !== "eth_sendRawTransaction") return undefined;
    sent += 1;
    await takesTheKey();
    return undefined;
  });
  const command = run(words);
  await expect.poll(() => sent, { timeout: 20_000 }).toBe(1);
  await sleep(4_000);
  expect(sent).toBe(1);
  await testNode(devnet.network, "evm_setAutomine", [true]);
  await testNode(devnet.network, "evm_mine", []);
  expect(await command).toMatchObject({ code: 0, out: expect.stringMatching(/transaction\t0x/) });
});
