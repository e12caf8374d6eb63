import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { setBalance, testNode } from "../../devnet/network.ts";
import type { TaskAddress } from "../../src/protocol/brand.ts";
import { confirmationsOnChain } from "../support/chainTruth.ts";
import { createHome, type DaemonProcess, type Home, startDaemon } from "../support/daemonProcess.ts";
import { journalRows, openPayStage, type PayStage, toldOf } from "../support/payStage.ts";
import { lock } from "../unit/signer/lockKeystore.ts";
import { signerServer, signParameters } from "../unit/signer/signerServer.ts";

let stage: PayStage;
let home: Home;
let daemon: DaemonProcess;
beforeAll(async () => {
  stage = await openPayStage();
});
afterAll(() => stage.devnet.stop());
afterEach(async () => {
  daemon.kill("SIGKILL");
  await daemon.exited;
  home.remove();
});

const secret = (name: string, text: string): string => {
  const path = join(home.directory, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
};
const start = (args: readonly string[]) => {
  daemon = startDaemon({ home, args });
  return daemon.ready();
};
const nonceOf = (address: `0x${string}`) => stage.devnet.publicClient.getTransactionCount({ address });
const paidOnce = async (tasks: readonly TaskAddress[]) => {
  const counts = await confirmationsOnChain(stage.devnet);
  return tasks.filter((task) => counts.get(task) === 1).length;
};

describe("two keys", () => {
  it("share twenty confirmations, each paid once and by one of them, in nonces without a gap", async () => {
    const { devnet } = stage;
    const [first, second] = [devnet.accounts.agent, await devnet.account("second agent")];
    await stage.setAutomine(true);
    await devnet.client.setAgent(second.address);
    home = createHome(devnet);
    await start(["--signer-key-file", secret("a", first.privateKey), "--signer-keys", secret("b", second.privateKey)]);
    const before = [await nonceOf(first.address), await nonceOf(second.address)] as const;
    const tasks = await stage.answeredTasks(20);
    await stage.mineUntil(toldOf(daemon, "final", tasks));
    expect(await paidOnce(tasks)).toBe(20);
    const used = [await nonceOf(first.address), await nonceOf(second.address)].map(
      (nonce, index) => nonce - (before[index] ?? 0),
    );
    expect(used[0]).toBeGreaterThan(0);
    expect(used[1]).toBeGreaterThan(0);
    expect(used[0] ?? 0).toBe(20 - (used[1] ?? 0));
    const holders = journalRows(home, "SELECT signer FROM attempts GROUP BY confirmation_id, signer");
    expect(holders).toHaveLength(20);
    expect(journalRows(home, "SELECT count(*) AS leases FROM leases")).toEqual([{ leases: 2 }]);
  });

  it("keep what they signed across a SIGKILL: a key that is not configured any more is followed to the end", async () => {
    const { devnet } = stage;
    const [first, second] = [devnet.accounts.agent, await devnet.account("fourth agent")];
    await stage.setAutomine(true);
    await devnet.client.setAgent(second.address);
    home = createHome(devnet, { sink: { rebroadcastAfter: "2s" } });
    const keyFile = secret("a", first.privateKey);
    await start(["--signer-key-file", keyFile, "--signer-keys", secret("b", second.privateKey)]);
    const tasks = await stage.answeredTasks(6);
    await toldOf(daemon, "broadcast", tasks);
    daemon.kill("SIGKILL");
    await daemon.exited;
    const attempts = journalRows(home, "SELECT hash, signer FROM attempts ORDER BY hash");
    const theirs = attempts.filter(({ signer }) => signer === second.address.toLowerCase());
    expect(theirs).toHaveLength(3);
    for (const { hash } of theirs) await testNode(devnet.network, "anvil_dropTransaction", [hash]);

    await start(["--signer-key-file", keyFile]);
    await stage.mineUntil(toldOf(daemon, "final", tasks));
    expect(await paidOnce(tasks)).toBe(6);
    const mined = journalRows(home, "SELECT mined_hash AS hash FROM confirmations").map(({ hash }) => hash);
    for (const { hash } of theirs) expect(mined).toContain(hash);
    expect(await nonceOf(second.address)).toBe(3);
  });

  it("leave everything to the other while one has no money, and say so", async () => {
    const { devnet } = stage;
    const [first, second] = [devnet.accounts.agent, await devnet.account("third agent")];
    await stage.setAutomine(true);
    await devnet.client.setAgent(second.address);
    await setBalance(devnet.network, second.address, 1n);
    home = createHome(devnet);
    await start(["--signer-key-file", secret("b", second.privateKey), "--signer-keys", secret("a", first.privateKey)]);
    await daemon.logged(({ msg }) => msg.startsWith("the key cannot pay for gas"));
    const tasks = await stage.answeredTasks(4);
    await stage.mineUntil(toldOf(daemon, "final", tasks));
    expect(await paidOnce(tasks)).toBe(4);
    expect(await nonceOf(second.address)).toBe(0);
  });
});

describe("the daemon signs with", () => {
  it("a Web3 keystore and its password file", async () => {
    const { agent } = stage.devnet.accounts;
    home = createHome(stage.devnet);
    const keyFile = secret("keystore.json", lock(agent.privateKey, "correct horse"));
    await start(["--signer-key-file", keyFile, "--signer-password-file", secret("password", "correct horse\n")]);
    const tasks = await stage.answeredTasks(1);
    await stage.mineUntil(toldOf(daemon, "final", tasks));
    expect(await paidOnce(tasks)).toBe(1);
    for (const hidden of ["correct horse", agent.privateKey.slice(2)]) expect(daemon.output()).not.toContain(hidden);
  });

  it("a remote signer", async () => {
    const { agent } = stage.devnet.accounts;
    home = createHome(stage.devnet);
    const server = await signerServer(({ params }) => signParameters(params, agent));
    const token = secret("token", "a-bearer-token-of-some-length\n");
    const remote = ["--signer-remote-url", server.url, "--signer-remote-addresses", agent.address];
    await start([...remote, "--signer-remote-token-file", token]);
    const tasks = await stage.answeredTasks(2);
    await stage.mineUntil(toldOf(daemon, "final", tasks));
    expect(await paidOnce(tasks)).toBe(2);
    expect(server.seen.every(({ authorization }) => authorization === "Bearer a-bearer-token-of-some-length")).toBe(
      true,
    );
    expect(daemon.output()).not.toContain("a-bearer-token-of-some-length");
  });

  it.each([
    ["another receiver", { to: "0x000000000000000000000000000000000000dead" }],
    ["other data", { data: `0x45fac6ec${"0".repeat(24)}${"de".repeat(20)}` }],
    ["some value", { value: "0x1" }],
    ["another nonce", { nonce: "0x63" }],
    ["another chain", { chainId: "0x1" }],
  ] as const)("no remote signer that signs %s: nothing is journalled, and nothing is sent", async (_, lie) => {
    const { agent } = stage.devnet.accounts;
    home = createHome(stage.devnet);
    const server = await signerServer(({ params }) => signParameters(params, agent, lie));
    await start(["--signer-remote-url", server.url, "--signer-remote-addresses", agent.address]);
    const before = await nonceOf(agent.address);
    const tasks = await stage.answeredTasks(1);
    expect(await daemon.exited).not.toBe(0);
    expect(daemon.output()).toContain("SIGNED_BYTES_DIFFER");
    expect(server.seen.length).toBeGreaterThan(0);
    expect(journalRows(home, "SELECT count(*) AS attempts FROM attempts")).toEqual([{ attempts: 0 }]);
    const pending = { address: agent.address, blockTag: "pending" } as const;
    expect(await stage.devnet.publicClient.getTransactionCount(pending)).toBe(before);
    expect(await paidOnce(tasks)).toBe(0);
  });
});
