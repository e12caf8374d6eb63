import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { dieWithParent } from "../../devnet/dieWithParent.ts";
import { seriousViolations } from "../support/axe.ts";
import { findChromium, openChromium } from "../support/chromium.ts";

const demo = join(import.meta.dirname, "../../devnet/demo.ts");
const artefacts = join(import.meta.dirname, "../../test-artifacts");
const chromium = findChromium();

it.skipIf(chromium === undefined)(
  "the demo prints the page's address, and the page shows what it plays while it plays",
  async () => {
    const child = spawn(process.execPath, [demo, "--tasks", "8"], { stdio: ["ignore", "pipe", "inherit"] });
    dieWithParent(child);
    const ended = new Promise((resolve) => child.once("exit", resolve));
    onTestFinished(async () => {
      child.kill("SIGKILL");
      await ended;
    });
    let output = "";
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout.on("data", (chunk: Buffer) => {
        output += chunk;
        const found = /http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]+/.exec(output)?.[0];
        if (found) resolve(found);
      });
      void ended.then(() => reject(new Error(`the demo ended:\n${output}`)));
    });
    const browser = await openChromium(chromium ?? "");
    onTestFinished(() => browser.close());
    const page = browser.pages()[0] ?? (await browser.newPage());
    page.setDefaultTimeout(30_000);
    await page.goto(url);
    // The token is taken out of the address, and this tab may change something.
    await page.getByRole("button", { name: "Lock", exact: true }).waitFor();
    expect(page.url()).not.toContain("token");
    const finals = page.locator("#feed li", { has: page.locator(".badge", { hasText: /^final$/ }) });
    await finals.nth(2).waitFor();
    await page
      .locator("#feed .badge", { hasText: /^reject$/ })
      .first()
      .waitFor();
    expect(await seriousViolations(page)).toEqual([]);
    mkdirSync(artefacts, { recursive: true });
    await page.screenshot({ path: join(artefacts, "demo.png"), fullPage: true });
    child.kill("SIGINT");
    await ended;
    expect(output).toContain("paid");
  },
);
