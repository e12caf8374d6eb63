import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { parseEther } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { testNode } from "../../devnet/network.ts";
import { TaskStatus } from "../../src/index.ts";
import { nexusAbi, taskAbi } from "../../src/protocol/abi.ts";
import { checksummed, type SourceAddress, type TaskAddress } from "../../src/protocol/brand.ts";
import { startMeddlingProxy } from "../support/meddlingProxy.ts";
import { type Registry, startRegistry } from "../support/registry.ts";

const root = join(import.meta.dirname, "../..");
const examples = readdirSync(join(root, "examples")).filter((name) => name.endsWith(".ts"));
const node = dirname(process.execPath);

let devnet: Devnet;
let registry: Registry;
let project: string;
let source: SourceAddress;

/** What the quick start has an operator give npm. */
const [, flags = ""] =
  /npm install -g (.*)ogpu-confirmd\n/.exec(readFileSync(join(root, "docs/quick-start.md"), "utf8")) ?? [];

/** An empty project that has the tarball, as `npm pack` makes it, and what it depends on. */
beforeAll(async () => {
  [devnet, registry] = await Promise.all([startDevnet({ blockTime: 0.2 }), startRegistry()]);
  source = await devnet.client.publishSource();
  project = mkdtempSync(join(tmpdir(), "project-"));
  await run("npm", ["pack", "--pack-destination", project], root);
  const tarball = readdirSync(project).find((name) => name.endsWith(".tgz")) ?? "";
  writeFileSync(join(project, "package.json"), '{"name":"empty","private":true,"type":"module"}');
  await run(
    "npm",
    ["install", `./${tarball}`, ...flags.split(" ").filter(Boolean), "--no-audit", "--no-fund"],
    project,
  );
  cpSync(join(root, "examples"), join(project, "examples"), { recursive: true });
}, 240_000);
afterAll(async () => {
  await Promise.all([devnet.stop(), registry.stop()]);
  rmSync(project, { recursive: true, force: true });
});

const environment = () => ({
  PATH: `${node}:/usr/bin:/bin`,
  HOME: project,
  npm_config_registry: registry.url,
  npm_config_cache: join(project, ".npm"),
  npm_config_update_notifier: "false",
});
type Ran = { readonly code: number; readonly out: string };

async function run(command: string, args: readonly string[], cwd: string, env = {}, input = ""): Promise<Ran> {
  const running = promisify(execFile)(command, args, { cwd, env: { ...environment(), ...env }, timeout: 200_000 });
  running.child.stdin?.end(input);
  try {
    const { stdout, stderr } = await running;
    return { code: 0, out: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    if (command === "npm") throw new Error(stdout + stderr, { cause: error });
    return { code, out: stdout + stderr };
  }
}
const bin = (...args: string[]) => run(join(project, "node_modules/.bin/ogpu-confirmd"), args, project);
const asClient = () => ({
  CLIENT_PRIVATE_KEY: devnet.accounts.client.privateKey,
  OGPU_RPC_HTTP: devnet.rpc.http,
  OGPU_PAYLOAD_GATEWAYS: devnet.gateway.url,
  OGPU_PAYLOAD_ALLOW_HOSTS: new URL(devnet.gateway.url).host,
  OGPU_PAYLOAD_UPLOAD_URL: `${devnet.gateway.url}/file/create`,
});
const example = (name: string, args: readonly string[], input = "", env = {}) =>
  run(process.execPath, [`examples/${name}.ts`, ...args], project, { ...asClient(), ...env }, input);
const statusOf = (task: string) =>
  devnet.publicClient.readContract({ address: task as TaskAddress, abi: taskAbi, functionName: "getStatus" });

async function publishedSince(block: bigint) {
  const filter = {
    address: devnet.deployment.nexus,
    abi: nexusAbi,
    eventName: "TaskPublished",
    fromBlock: block,
  } as const;
  const published = await devnet.publicClient.getContractEvents(filter);
  return published.find(({ args }) => args.source?.toLowerCase() === source.toLowerCase())?.args.task;
}

describe("the package in an empty project", () => {
  it("brings no development dependency and no chain along", () => {
    const installed = readdirSync(join(project, "node_modules"));
    expect(installed).toContain("ogpu-confirmd");
    const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const names = Object.keys(devDependencies).map((name) => name.split("/")[0]);
    // A chain of 44 MB, which the demo needs, and no machine that pays.
    expect(installed).not.toContain("@foundry-rs");
    // What a dependency of ours depends on itself may be there.
    expect(
      names
        .filter((name) => ["vitest", "solc", "@biomejs", "fast-check"].includes(name ?? ""))
        .filter((name) => installed.includes(name ?? "")),
    ).toEqual([]);
  });

  it("brings what an operator reads and loads along", () => {
    const brought = ["runbook.md", "systemd.md", "errors.md", "alerts.md", "http.md", "upgrading.md"].map(
      (name) => `docs/${name}`,
    );
    for (const path of [...brought, "dashboards/alerts.yaml", "dashboards/ogpu-confirmd.json", "systemd/install.sh"])
      expect([path, existsSync(join(project, "node_modules/ogpu-confirmd", path))]).toEqual([path, true]);
  });

  it("runs its command with Node and nothing else", async () => {
    expect(await bin("--version")).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    expect(await bin("confirm", "--help")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/pay one response, by hand/),
    });
    expect(await bin("helt")).toMatchObject({ code: 78, out: expect.stringMatching(/did you mean "held"/) });
    const terms = ["--network", "devnet", "--rpc-http", devnet.rpc.http];
    expect(await bin("check", ...terms, "--policies-dir", "node_modules/ogpu-confirmd/policies")).toMatchObject({
      code: 0,
    });
    expect(await bin("tasks", source, ...terms)).toMatchObject({ code: 0 });
    expect(await bin("demo")).toMatchObject({ code: 78, out: expect.stringMatching(/DEMO_NOT_HERE/) });
  });

  it("has full types: what is right compiles, and what is wrong does not", async () => {
    const right = `
      import { createClient, ChainId, InputError, type Response, type TaskInfo, DeliveryMethod } from "ogpu-confirmd";
      const client = createClient({ chain: ChainId.OGPU_TESTNET });
      const responses: readonly Response[] = await client.getTaskResponses("0x", { lower: 0 });
      const paid: bigint | undefined = responses[0]?.payment;
      const info: TaskInfo = { source: "0x", config: { function_name: "f", data: 1 }, expiryTime: 1, payment: 5n };
      for await (const { status } of client.watchTaskStatusChanged()) console.log(status + 1, paid, info, DeliveryMethod.FIRST_RESPONSE, InputError);`;
    const wrong = `
      import { createClient } from "ogpu-confirmd";
      createClient({ chain: "mainnet" });
      await createClient({ chain: 1071 }).publishTask({ source: "0x", payment: 1 });`;
    mkdirSync(join(project, "typed"));
    writeFileSync(join(project, "typed/right.ts"), right);
    writeFileSync(join(project, "typed/wrong.ts"), wrong);
    const options = {
      strict: true,
      module: "NodeNext",
      target: "ES2024",
      noEmit: true,
      types: ["node"],
      skipLibCheck: false,
    };
    const compile = (files: readonly string[], further = {}) => {
      const typeRoots = [join(root, "node_modules/@types")];
      writeFileSync(
        join(project, "tsconfig.json"),
        JSON.stringify({ compilerOptions: { ...options, ...further, typeRoots }, files }),
      );
      return run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "."], project);
    };
    const good = await compile(["typed/right.ts", ...examples.map((name) => `examples/${name}`)]);
    expect(
      good.out.split("\n").filter((line) => !line.startsWith("node_modules/") || line.includes("ogpu-confirmd")),
    ).toEqual([""]);
    // The declarations themselves have just been checked.
    const bad = await compile(["typed/wrong.ts"], { skipLibCheck: true });
    expect(bad.out).toMatch(/wrong\.ts\(3,22\): error TS2322/);
    expect(bad.out).toMatch(/wrong\.ts\(4,\d+\): error TS2322: Type 'number' is not assignable to type 'Amount'/);
  });
});

describe.concurrent("the examples", () => {
  it.for(examples)("%s fits on a page", (name, { expect }) => {
    expect(
      readFileSync(join(root, "examples", name), "utf8")
        .trimEnd()
        .split("\n").length,
    ).toBeLessThanOrEqual(30);
  });

  it("publish a task and pay the first good answer, while another one watches", async ({ expect, onTestFinished }) => {
    const good = devnet.createProvider(behaviours.honest());
    const bad = devnet.createProvider(behaviours.notJson());
    await Promise.all([good, bad].map((provider) => provider.enrol(source)));
    const proxy = await startMeddlingProxy(devnet.rpc.http);
    onTestFinished(proxy.stop);
    let heads = 0;
    proxy.set(({ method, params }) => {
      if (method === "eth_getBlockByNumber" && params[0] === "latest") heads++;
      return undefined;
    });
    const watched = example("watchEvents", [source, "30"], "", { OGPU_RPC_HTTP: proxy.http });
    // Its two watchers ask a few times to know where they begin; each further one comes a second later.
    await expect.poll(() => heads, { timeout: 60_000 }).toBeGreaterThan(8);
    const before = await devnet.publicClient.getBlockNumber();
    const ran = example("publishAndConfirm", [source]);
    await expect.poll(() => publishedSince(before), { timeout: 30_000 }).toBeDefined();
    const task = (await publishedSince(before))?.toLowerCase() as TaskAddress;
    await bad.respondTo(task);
    await good.respondTo(task);
    const { code, out } = await ran;
    expect(out).toMatch(
      new RegExp(`^published ${checksummed(task)}\nno JSON came from .*\npaid 0\\.04 OGPU for positive 0x\\w{64}\n$`),
    );
    expect(code).toBe(0);
    expect(await statusOf(task)).toBe(TaskStatus.FINALIZED);
    expect((await watched).out).toMatch(
      new RegExp(
        `\\d+n published ${checksummed(task)}\n[\\s\\S]*\\d+n FINALIZED ${checksummed(task)}\n[\\s\\S]*watched 1 tasks\n$`,
      ),
    );
  });

  it("pick the cheapest by hand, after a question", async ({ expect }) => {
    const account = await devnet.account("example-picks");
    const client = devnet.createClient(account);
    await client.deposit(parseEther("10"));
    const source = await client.publishSource();
    const task = await client.publishTask({ source, config: "{}" });
    const env = { CLIENT_PRIVATE_KEY: account.privateKey };
    for (const priceBps of [9_000, 3_000, 6_000]) {
      const provider = devnet.createProvider(behaviours.inline({ priceBps }));
      await provider.enrol(source);
      await provider.respondTo(task);
    }
    expect(await example("pickCheapest", [task], "n\n", env)).toMatchObject({
      code: 1,
      out: expect.stringMatching(/0\.3 OGPU[\s\S]*0\.6 OGPU[\s\S]*0\.9 OGPU[\s\S]*Pay 0\.3 OGPU/),
    });
    expect(await example("pickCheapest", [task], "y\n", env)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/paid 0x\w{64}\n$/),
    });
    expect(await statusOf(task)).toBe(TaskStatus.FINALIZED);
  });

  it("mend a nonce", async ({ expect }) => {
    const account = await devnet.account("example-stuck");
    const terms = {
      chainId: devnet.chainId,
      type: "eip1559",
      to: account.address,
      gas: 21_000n,
      maxPriorityFeePerGas: 1n,
    } as const;
    const raw = await account.signTransaction({ ...terms, nonce: 1, maxFeePerGas: 100_000_000_000n });
    await testNode(devnet.network, "eth_sendRawTransaction", [raw]);
    const env = { CLIENT_PRIVATE_KEY: account.privateKey };
    const dear = await example("mendNonce", ["1 wei"], "", env);
    expect(dear.out).toMatch(
      /0 mined, 1 waiting: nothing waits in nonce 0[\s\S]*nonce 0 \(nothing\): fill, nothing waits in it\nthe next nonce is 0/,
    );
    const { out, code } = await example("mendNonce", [], "", env);
    expect(out).toMatch(/mended 0 by 0x\w{64}\nthe next nonce is 2 and what is left to mend costs 0 OGPU\n$/);
    expect(code).toBe(0);
  });
});
