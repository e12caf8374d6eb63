import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as behaviours from "../../devnet/actors/behaviours.ts";
import type { Provider } from "../../devnet/actors/provider.ts";
import { type Devnet, startDevnet } from "../../devnet/index.ts";
import { responseAbi } from "../../src/protocol/abi.ts";
import { checksummed, type ResponseAddress, type SourceAddress, type TaskAddress } from "../../src/protocol/brand.ts";
import { ResponseStatus } from "../../src/protocol/statuses.ts";
import { seriousViolations } from "../support/axe.ts";
import { findChromium, openChromium } from "../support/chromium.ts";
import { createHome, type DaemonProcess, type Home, payFirstValid, startDaemon } from "../support/daemonProcess.ts";
import { type FaultProxy, startFaultProxy } from "../support/faultProxy.ts";

const manual = `
apiVersion: ogpu-confirmd/v1
name: by-hand
mode: enforce
match: { functions: [review_contract] }
output: { maxBytes: 64KiB, timeout: 10s }
strategy: manual
eligible: "true"
`;
const shadow = `
apiVersion: ogpu-confirmd/v1
name: on-trial
mode: shadow
match: { functions: [on_trial] }
output: { maxBytes: 64KiB, timeout: 10s }
strategy: first
eligible: "true"
`;

const chromium = findChromium();
const artefacts = join(import.meta.dirname, "../../test-artifacts");
if (chromium === undefined) {
  process.stderr.write("no Chromium is found (CHROMIUM, or chromium on PATH): the operator's page is not tested\n");
}

describe.skipIf(chromium === undefined)("the operator's page, in Chromium, on a daemon that pays", () => {
  let devnet: Devnet;
  let source: SourceAddress;
  let honest: Provider;
  let second: FaultProxy;
  let home: Home;
  let daemon: DaemonProcess;
  let token: string;
  let browser: BrowserContext;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    mkdirSync(artefacts, { recursive: true });
    devnet = await startDevnet({ blockTime: 0.2 });
    source = await devnet.client.publishSource();
    honest = devnet.createProvider(behaviours.honest());
    await honest.enrol(source);
    second = await startFaultProxy({ port: Number(new URL(devnet.rpc.http).port) });
    home = createHome(devnet, {
      rpc: { http: [devnet.rpc.http, second.http], ws: devnet.rpc.ws, cooldown: "1s" },
      guardrails: { perDay: "100 OGPU" },
    });
    // Reads the payload, so that the facts hold it.
    home.writePolicy(
      "first-valid.yaml",
      payFirstValid.replace("output.valid", "output.valid && output.json.confidence > 0.1"),
    );
    home.writePolicy("a-by-hand.yaml", manual);
    home.writePolicy("b-on-trial.yaml", shadow);
    daemon = startDaemon({ home, privateKey: devnet.accounts.agent.privateKey });
    const { http, pageToken } = await daemon.ready();
    token = readFileSync(String(pageToken), "utf8").trim();
    browser = await openChromium(chromium ?? "");
    page = browser.pages()[0] ?? (await browser.newPage());
    page.on("pageerror", (error) => complaints.push(`pageerror: ${error.message}`));
    page.on("console", (message) => {
      // What the test asks for on purpose: a refusal.
      if (message.type() === "error" && !message.text().includes("401")) complaints.push(message.text());
    });
    page.setDefaultTimeout(25_000);
    await page.goto(String(http));
    await page.locator("#state-text", { hasText: /^Paying$/ }).waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    daemon?.kill("SIGKILL");
    await daemon?.exited;
    await second?.stop();
    await devnet?.stop();
    home?.remove();
  });

  const publish = async (functionName = "analyze_sentiment") => {
    const config = await devnet.gateway.putJson({ function_name: functionName, data: { text: "great" } });
    const task = await devnet.client.publishTask({ source, config });
    const { response } = await honest.respondTo(task);
    return { task, response };
  };
  const isConfirmed = async (response: ResponseAddress) =>
    (await devnet.publicClient.readContract({ address: response, abi: responseAbi, functionName: "getStatus" })) ===
    ResponseStatus.CONFIRMED;
  /** A line of the live pipe about a task. */
  const line = (task: TaskAddress, badge: string) =>
    page
      .locator("#feed li")
      .filter({ has: page.locator(`[data-task="${checksummed(task)}"]`) })
      .filter({ has: page.locator(".badge", { hasText: new RegExp(`^${badge}$`) }) });
  const answerFor = async (words: { token?: string; who?: string; why?: string }, button: string) => {
    if (words.token !== undefined) await page.getByLabel("Token").fill(words.token);
    if (words.who !== undefined) await page.getByLabel("Your name").fill(words.who);
    if (words.why !== undefined) await page.getByLabel("Why").fill(words.why);
    await page.locator("#ask").getByRole("button", { name: button }).click();
  };
  const shot = (name: string) => page.screenshot({ path: join(artefacts, `${name}.png`), fullPage: true });

  it("shows a task's verdict and payment while they happen, and the money", async () => {
    const { task, response } = await publish();
    await line(task, "confirm").waitFor();
    await line(task, "final").waitFor();
    expect(await isConfirmed(response)).toBe(true);
    await page.locator(".tile", { hasText: "Paid in 24 hours" }).getByText("0.8").waitFor();
    await page.locator(".tile", { hasText: "Saved in 24 hours" }).getByText("0.2").waitFor();
    await page.locator("#legend", { hasText: "Paid 0.8 OGPU" }).waitFor();
    await page.locator(".cap", { hasText: "guardrails.perDay" }).getByText("99.2 of 100 OGPU left").waitFor();
  });

  it("opens a task with its facts, reason and policy digest, and without its payload", async () => {
    await page.locator("#feed [data-action=task]").first().click();
    const sheet = page.locator("#task");
    await sheet.getByText("Policy digest").first().waitFor();
    await sheet.locator("summary").first().click();
    const text = await sheet.innerText();
    expect(text).toMatch(/Policy digest\s+[0-9a-f]{64}/);
    expect(text).toMatch(/task\.payment\s+1 OGPU/);
    expect(text).toContain("characters, not shown");
    expect(text).not.toContain("positive");
    expect(await seriousViolations(page)).toEqual([]);
    await shot("task");
    await page.keyboard.press("Escape");
    await sheet.waitFor({ state: "hidden" });
  });

  it("refuses a wrong token, and changes nothing", async () => {
    await page.getByRole("button", { name: "Pause paying" }).click();
    await answerFor({ token: "wrong-token-wrong-token", who: "eve", why: "to see" }, "Pause paying");
    await page.getByRole("alert").getByText("the token is wrong").waitFor();
    await shot("wrong-token");
    await page.getByRole("button", { name: "Cancel" }).click();
    expect(await page.locator("#state-text").innerText()).toBe("Paying");
    expect(await page.evaluate("sessionStorage.length")).toBe(0);
  });

  it("approves a held response with a name and a reason, and it is paid on chain", async () => {
    const { task, response } = await publish("review_contract");
    const held = page.locator(".held-item").filter({ has: page.locator(`[data-task="${checksummed(task)}"]`) });
    await held.waitFor();
    await shot("held");
    await held.getByRole("button", { name: /^Approve/ }).click();
    await answerFor({ token, who: "ada", why: "" }, "Approve");
    await page.getByRole("alert").getByText("A reason is missing").waitFor();
    expect(await isConfirmed(response)).toBe(false);
    await answerFor({ why: "read it, it is right" }, "Approve");
    await line(task, "final").waitFor();
    await held.waitFor({ state: "hidden" });
    expect(await isConfirmed(response)).toBe(true);
    await line(task, "final").locator("[data-action=task]").click();
    await page.locator("#task").getByText("approved by ada: read it, it is right").waitFor();
    await page.keyboard.press("Escape");
  });

  it("pauses: nothing is paid until somebody resumes, and a reason is text, never markup", async () => {
    const why = '<img src="x" onerror="document.title=1"><b>odd</b>';
    await page.getByRole("button", { name: "Pause paying" }).click();
    await answerFor({ why }, "Pause paying");
    await page.locator("#state-text", { hasText: "Paused" }).waitFor();
    await page.locator("#attention").getByText(why).waitFor();
    expect(await page.locator("#attention img").count()).toBe(0);
    const { task, response } = await publish();
    await line(task, "confirm").waitFor();
    await page.locator("#lane").getByText("waiting").waitFor();
    await devnet.mine(3);
    expect(await isConfirmed(response)).toBe(false);
    expect(await seriousViolations(page)).toEqual([]);
    await shot("paused");
    await page.getByRole("button", { name: "Resume paying" }).click();
    await answerFor({ why: "seen to" }, "Resume paying");
    await line(task, "final").waitFor();
    expect(await isConfirmed(response)).toBe(true);
  });

  it("shows what a shadow policy decides beside the ones that pay", async () => {
    const { task, response } = await publish("on_trial");
    await line(task, "shadow confirm").waitFor();
    const row = page.locator("#policies tr", { hasText: "on-trial" });
    await row.getByText("would be 0.8").waitFor();
    expect(await isConfirmed(response)).toBe(false);
  });

  it("shows an endpoint that is lost, and that it is back", async () => {
    const { host } = new URL(second.http);
    const row = page.locator("#endpoints tr", { hasText: host });
    await row.getByText("healthy").waitFor();
    second.set({ kind: "cut" });
    await row.getByText("lost").waitFor();
    await page.locator("#attention").getByText(`${host} is lost`).waitFor();
    await shot("lost-endpoint");
    second.set({ kind: "none" });
    await row.getByText("healthy").waitFor();
    expect(await page.locator("#attention").innerText()).not.toContain(host);
  });

  it.each([
    ["light", 1440],
    ["dark", 1440],
    ["light", 390],
    ["dark", 390],
  ] as const)(
    "can be read by everybody, %s and %i pixels wide, without scrolling sideways",
    async (colorScheme, width) => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      expect(await seriousViolations(page)).toEqual([]);
      expect(await page.evaluate("document.scrollingElement.scrollWidth")).toBeLessThanOrEqual(width);
      await shot(`${colorScheme}-${width}`);
    },
  );

  it("can be used with the keyboard alone", async () => {
    await page.setViewportSize({ width: 1440, height: 1000 });
    await page.reload();
    await page.locator("#state-text", { hasText: /^Paying$/ }).waitFor();
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to the live pipe");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.locator("#ask").waitFor();
    expect(await page.evaluate("document.activeElement.id")).toBe("ask-why");
    await page.keyboard.press("Escape");
    await page.locator("#ask").waitFor({ state: "hidden" });
    expect(await page.evaluate("document.activeElement.id")).toBe("pause");
  });

  it("says so when the daemon is gone", async () => {
    daemon.kill("SIGKILL");
    await page.locator("#state-text", { hasText: "No connection" }).waitFor();
    const real = complaints.filter(
      (text) => !/ERR_CONNECTION_RE(FUSED|SET)|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE/.test(text),
    );
    expect(real).toEqual([]);
  });
});
