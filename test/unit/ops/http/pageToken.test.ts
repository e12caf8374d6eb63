import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { isSameToken, readPageToken } from "../../../../src/ops/http/pageToken.ts";
import { temporaryFolder } from "../../../support/temporaryFolder.ts";

let directory: string;
beforeEach(() => {
  directory = temporaryFolder("token-");
});

const strong = "0123456789abcdef0123456789abcdef";
const at = (name: string) => join(directory, name);

describe("the page's token", () => {
  it("is made where nobody named a file, for its owner alone, and stays the same", () => {
    const options = { tokenFile: at("data/http-token"), isNamed: false };
    const made = readPageToken(options);
    made.save?.();
    expect(made.token).toMatch(/^[\w-]{43}$/);
    expect(readFileSync(options.tokenFile, "utf8")).toBe(`${made.token}\n`);
    expect(statSync(options.tokenFile).mode & 0o777).toBe(0o600);
    const again = readPageToken(options);
    expect([again.token, again.save]).toEqual([made.token, undefined]);
  });

  it("is not made before it is saved, and does not take the place of one that came meanwhile", () => {
    const made = readPageToken({ tokenFile: at("token"), isNamed: false });
    writeFileSync(at("token"), strong);
    expect(made.save).toThrow(expect.objectContaining({ code: "TOKEN_UNREADABLE" }));
    expect(readFileSync(at("token"), "utf8")).toBe(strong);
  });

  it("comes from systemd's credential, unless a file is named", () => {
    writeFileSync(at("http-token"), `${strong}\n`);
    writeFileSync(at("mine"), `${strong}-mine`, { mode: 0o600 });
    const options = { tokenFile: at("mine"), credentials: directory };
    expect(readPageToken({ ...options, isNamed: false }).token).toBe(strong);
    expect(readPageToken({ ...options, isNamed: true }).token).toBe(`${strong}-mine`);
  });

  it("is refused when it is short, with a way to make one, and never quoted", () => {
    writeFileSync(at("token"), "hunter2");
    const read = () => readPageToken({ tokenFile: at("token"), isNamed: true });
    expect(read).toThrow(expect.objectContaining({ code: "TOKEN_WEAK", remedy: expect.stringContaining("openssl") }));
    expect(read).not.toThrow("hunter2");
  });

  it("must be there where a file is named", () => {
    const read = () => readPageToken({ tokenFile: at("token"), isNamed: true });
    expect(read).toThrow(expect.objectContaining({ code: "TOKEN_UNREADABLE" }));
  });

  it("warns of a file that others may read", () => {
    writeFileSync(at("token"), strong, { mode: 0o644 });
    expect(readPageToken({ tokenFile: at("token"), isNamed: true }).warnings).toEqual([
      expect.stringContaining("open to other users"),
    ]);
  });

  it("is none where the file is set to none", () => {
    expect(readPageToken({ tokenFile: undefined, isNamed: true }).token).toBeUndefined();
  });

  it.each([
    [strong, true],
    [strong.toUpperCase(), false],
    ["", false],
    [`${strong}x`, false],
  ])("compares %j", (given, same) => {
    expect(isSameToken(given, strong)).toBe(same);
  });
});
