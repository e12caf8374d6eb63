import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { checksummed, type SourceAddress } from "../../src/protocol/brand.ts";
import { cli } from "../support/cli.ts";

let devnet: Devnet;
let directory: string;
let source: SourceAddress;
let [answered, cheap, dear, untouched]: string[] = [];

beforeAll(async () => {
  devnet = await startDevnet();
  directory = mkdtempSync(join(tmpdir(), "transcripts-"));
  source = await devnet.client.publishSource({ minPayment: 10n ** 16n });
  const publish = () => devnet.client.publishTask({ source, config: '{"function_name":"f","data":{"text":"good"}}' });
  const task = await publish();
  answered = checksummed(task);
  const responses: string[] = [];
  for (const priceBps of [4_000, 9_000]) {
    const provider = devnet.createProvider(behaviours.inline({ priceBps }));
    await provider.enrol(source);
    responses.push(checksummed((await provider.respondTo(task)).response));
  }
  [cheap, dear] = responses;
  untouched = checksummed(await publish());
  const { gateway, rpc } = devnet;
  const lines = [
    "network: devnet",
    `rpc: { http: "${rpc.http}", pollInterval: 100ms }`,
    `payload: { gateways: ["${gateway.url}"], uploadUrl: "${gateway.url}/file/create", cacheDir: "" }`,
    `journal: { path: "${join(directory, "journal.sqlite")}" }`,
  ];
  writeFileSync(join(directory, "config.yaml"), lines.join("\n"));
});
afterAll(async () => {
  await devnet.stop();
  rmSync(directory, { recursive: true });
});

/**
 * What differs from run to run: times, hashes, ports, figures of gas, and what a slow machine is told is being waited for. Addresses
 * keep their length, so that tables show.
 */
const steady = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(/(\r[^\r\n]* … \d+ s)+\r/g, "")
    .replaceAll(directory, "/home/operator")
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "2026-01-31T12:00:00.000Z")
    .replace(/\b1[89]\d{8}\b/g, "1800000000")
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:8545")
    .replace(/0x[0-9a-fA-F]{64}/g, `0x${"7".repeat(64)}`)
    .replace(/(gas +)0\.\d+ OGPU/g, "$10.0001 OGPU")
    .replace(/(block +)\d+/g, "$142")
    .replace(/^(head +)\d+/gm, "$142")
    .replace(/^(balance +)[\d.]+/gm, "$1989999.9")
    .replace(/^(base fee +)[\d.]+/gm, "$10.0006");

type Row = {
  readonly title: string;
  readonly words: () => readonly string[];
  readonly answers: readonly string[] | undefined;
};
const row = (title: string, words: Row["words"], answers?: readonly string[]): Row => ({ title, words, answers });

const rows: readonly Row[] = [
  row("a word that is no command", () => ["confrim"]),
  row("an option that is another command's", () => ["confirm", "--limit", "3"]),
  row("an argument that is missing", () => ["responses"]),
  row("an address that is none", () => ["responses", "0x12"]),
  row("an address with a typo", () => [
    "responses",
    (answered ?? "").replace(/[A-F]/, (letter) => letter.toLowerCase()),
  ]),
  row("an address without code", () => ["confirm", devnet.accounts.stranger.address]),
  row("the address of something else", () => ["confirm", answered ?? ""]),
  row("the responses of a task", () => ["responses", answered ?? ""]),
  row("a task without responses", () => ["responses", untouched ?? ""]),
  row("the tasks of a source", () => ["tasks", source]),
  row("a price above the limit", () => ["confirm", dear ?? "", "--max-payment", "0.5 OGPU"]),
  row("an amount without a unit", () => ["confirm", dear ?? "", "--max-payment", "0.5"]),
  row("a question that is answered with no", () => ["confirm", cheap ?? ""], ["n"]),
  row("a confirmation", () => ["confirm", cheap ?? ""], ["y"]),
  row("a second confirmation", () => ["confirm", dear ?? ""], ["y"]),
  row("a payment under the minimum", () => ["publish", "task", source, "--url", "ipfs://x", "--payment", "1 gwei"], [
    "y",
  ]),
  row("an agent that is authorised", () => ["agent", "show", devnet.accounts.agent.address]),
  row("a key with nothing on its way", () => ["nonce", "info"]),
  row("a machine without a daemon", () => ["status"]),
  row("a journal that is not there", () => ["journal", "verify"]),
  row("a pause in a journal that is not there", () => ["pause", "--why", "prices look wrong"]),
];

it.each(rows)("$title", async ({ words, answers }) => {
  const argv = [...words(), "--config", "config.yaml"];
  const env = { CLIENT_PRIVATE_KEY: devnet.accounts.client.privateKey, NO_COLOR: "1" };
  const { code, out, err } = await cli(argv, { cwd: directory, env, isTTY: true, ...(answers && { answers }) });
  const shown = words().map((word) => (/\s/.test(word) ? `"${word}"` : word));
  expect(steady(`$ ogpu-confirmd ${shown.join(" ")}\n${err}${out}exit code ${code}\n`)).toMatchSnapshot();
});
