import { describe, expect, it } from "vitest";
import { secretFiles } from "../../../src/signer/secretFiles.ts";

const root = 0;
const daemon = 65_532;
const warningsOf = (mode: number, uid: number, what = "key file") =>
  secretFiles({ fileStat: () => ({ mode: 0o100000 | mode, uid }) }).modeWarnings("/secret", what);

describe("the modes of a secret's file", () => {
  it.each([
    [0o600, daemon],
    [0o400, daemon],
    [0o600, root],
    // A mounted secret: the daemon may read it by its group, and has no other way to.
    [0o440, root],
    [0o640, root],
  ])("say nothing of %o of user %i", (mode, uid) => {
    expect(warningsOf(mode, uid)).toEqual([]);
  });

  it.each([
    [0o640, daemon, /\(mode 640\): chmod 600 \/secret$/],
    [0o660, daemon, /\(mode 660\): chmod 600 \/secret$/],
    [0o604, daemon, /\(mode 604\): chmod 600 \/secret$/],
    [0o644, root, /\(mode 644\): chmod 640 \/secret, and let its group be the daemon's/],
    [0o660, root, /\(mode 660\): chmod 640 \/secret/],
    [0o444, root, /\(mode 444\): .*a mounted secret: mode 0440/],
  ])("are told of %o of user %i, with what mends it", (mode, uid, warning) => {
    expect(warningsOf(mode, uid)).toEqual([expect.stringMatching(warning)]);
  });

  it("are told of by the name of what the file holds", () => {
    expect(warningsOf(0o644, daemon, "webhook's file")).toEqual([
      expect.stringMatching(/^the webhook's file \/secret is open to other users/),
    ]);
  });
});
