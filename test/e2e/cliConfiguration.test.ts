import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { cli } from "../support/cli.ts";
import { createHome, type Home } from "../support/daemonProcess.ts";

let devnet: Devnet;
let home: Home;
beforeAll(async () => {
  devnet = await startDevnet();
  home = createHome(devnet);
});
afterAll(async () => {
  await devnet.stop();
  home.remove();
});

const run = (...words: string[]) =>
  cli([...words, "--config", home.configFile], {
    cwd: home.directory,
    env: { CLIENT_PRIVATE_KEY: devnet.accounts.client.privateKey },
  });

describe("a command heeds the daemon's configuration", () => {
  it("of the tip, whatever the chain suggests", async () => {
    const helper = (await devnet.account("tipped")).address;
    const tipOf = async (...words: string[]) => {
      const { code, out } = await run("agent", ...words, "--yes", "--json");
      expect(code).toBe(0);
      const { maxPriorityFeePerGas } = await devnet.publicClient.getTransaction({ hash: JSON.parse(out).transaction });
      return maxPriorityFeePerGas;
    };
    expect(await tipOf("set", helper, "--sink-min-tip", "7 gwei")).toBe(7_000_000_000n);
    expect(await tipOf("revoke", helper, "--sink-max-tip", "0.5 gwei")).toBe(500_000_000n);
  });

  it("of how often an endpoint may be asked, and lists what takes longer than one request may wait", async () => {
    const source = await devnet.client.publishSource();
    const { client } = devnet;
    for (let number = 0; number < 15; number++) await client.publishTask({ source, config: "{}" });
    // All at once, the last would wait for 2.8 s.
    const limits = ["--rpc-rate-limit", "5", "--rpc-timeout", "2s"];
    const { code, out, err } = await run("tasks", source, "--json", ...limits);
    expect({ code, err }).toMatchObject({ code: 0, err: expect.not.stringContaining("error") });
    expect(JSON.parse(out)).toHaveLength(15);
    // The second request would have to wait for a second.
    const slow = await run("tasks", source, "--rpc-rate-limit", "1", "--rpc-timeout", "500ms");
    expect(slow).toMatchObject({ code: 75, err: expect.stringMatching(/error RATE_LIMITED: /) });
  });
});
