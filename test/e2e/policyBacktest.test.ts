import { existsSync } from "node:fs";
import { parseEther } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { cli } from "../support/cli.ts";
import { createHome, type Home } from "../support/daemonProcess.ts";

const payNewcomers = `
apiVersion: ogpu-confirmd/v1
name: newcomers
mode: enforce
strategy: first
eligible: provider.approved == 0 && provider.seen == 0
`;

let devnet: Devnet;
let home: Home;
beforeAll(async () => {
  devnet = await startDevnet();
  home = createHome(devnet);
  home.writePolicy("first-valid.yaml", payNewcomers);
});
afterAll(async () => {
  await devnet.stop();
  home.remove();
});

const run = (...words: string[]) =>
  cli(["policy", "backtest", ...words, "--config", home.configFile], { cwd: home.directory });

describe("policy backtest of the chain, where there is no journal", () => {
  it("works, with providers that nobody knows, and makes none", async () => {
    const source = await devnet.client.publishSource();
    const provider = devnet.createProvider(behaviours.honest());
    await provider.enrol(source);
    const config = await devnet.gateway.putJson({ function_name: "sentiment", data: { text: "great" } });
    await provider.respondTo(await devnet.client.publishTask({ source, config }));
    const { code, out, err } = await run("--from", "0", "--json");
    expect(code).toBe(0);
    expect(err).toMatch(/neither watch\.sources, watch\.clients nor the journal says whose tasks/);
    expect(JSON.parse(out)).toMatchObject({ wouldPay: String(parseEther("0.8")), didPay: "0", skipped: 0 });
    const ofNobody = await run("--from", "0", "--json", "--watch-clients", devnet.accounts.agent.address);
    expect(JSON.parse(ofNobody.out).rows).toEqual([]);
    expect(ofNobody.err).toBe("");
    expect(existsSync(home.journalPath)).toBe(false);
  });

  it("gives a terminal nothing to obey, nor a line of its own, in a plug-in's reason", async () => {
    home.writePolicy(
      "p.js",
      "export default () => () => ({ verdict: 'eligible', reason: 'fine\\u202e\\u001b[2J\\n0xb4 paid' });",
    );
    home.writePolicy("first-valid.yaml", payNewcomers.replace("eligible:", "plugin: { file: p.js }\neligible:"));
    const { code, out } = await run("--from", "0");
    home.writePolicy("first-valid.yaml", payNewcomers);
    expect(code).toBe(0);
    expect(out).toMatch(/newcomers: .*fine \[2J 0xb4 paid\n/);
    expect(out).not.toMatch(/[^\P{C}\n]|[\u2028\u2029]/u);
  });

  it.each([
    [["--from", "10", "--to", "5"], /USAGE: --from 10 is above --to 5/],
    [["--from", "999999"], /USAGE: --from 999999 is above the head, which is \d+/],
    [["--from", "x"], /USAGE: --from is a block number, not "x"/],
    [["--to", "5"], /USAGE: --to is the last block of a range: write --from too/],
    [["--from", "1", "--since", "2026-01-31"], /USAGE: --since is for the journal/],
    [[], /NO_JOURNAL/],
  ])("refuses %j, and makes none either", async (words, message) => {
    expect(await run(...words)).toMatchObject({ code: 78, out: "", err: expect.stringMatching(message) });
    expect(existsSync(home.journalPath)).toBe(false);
  });
});
