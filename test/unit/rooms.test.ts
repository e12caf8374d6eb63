import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const src = join(import.meta.dirname, "../../src");

type Import = { readonly from: string; readonly to: string; readonly isType: boolean };

/** Every import of `src`, ours as a path below it. */
const imports: readonly Import[] = globSync("**/*.ts", { cwd: src }).flatMap((from) => {
  const text = readFileSync(join(src, from), "utf8");
  return [...text.matchAll(/^(?:import|export)( type)?[^;]*? from "([^"]+)";/gm)].map(([, type, to = ""]) => ({
    from,
    to: to.startsWith(".") ? relative(src, join(src, dirname(from), to)) : to,
    isType: type !== undefined,
  }));
});
const isIn = (room: string) => (path: string) => path.startsWith(`${room}/`);

/** Imports of a room that lead where they must not. */
const strays = (from: (path: string) => boolean, isStray: (each: Import) => boolean) =>
  imports.filter((each) => from(each.from) && isStray(each)).map(({ from, to }) => `${from} → ${to}`);

describe("the rooms of the house", () => {
  it("has its arrows found at all", () => {
    expect(imports.length).toBeGreaterThan(500);
    expect(imports).toContainEqual({ from: "daemon.ts", to: "pipeline.ts", isType: false });
  });

  it("keeps the protocol and the errors leaves: they import nothing of ours", () => {
    expect(strays(isIn("protocol"), ({ to }) => to.endsWith(".ts") && !isIn("protocol")(to))).toEqual([]);
    expect(
      strays(
        (path) => path === "errors.ts",
        ({ to }) => to.endsWith(".ts"),
      ),
    ).toEqual([]);
  });

  it("gives policies facts, and neither the chain nor the sink", () => {
    expect(strays(isIn("policy"), ({ to, isType }) => !isType && (isIn("chain")(to) || isIn("sink")(to)))).toEqual([]);
  });

  it("answers help, and complains of the configuration, before what makes a daemon is loaded", () => {
    const packagesBelow = (entry: string): readonly string[] => {
      const known = new Set([entry]);
      for (const path of known) for (const { from, to, isType } of imports) if (from === path && !isType) known.add(to);
      return [...known].filter((path) => !path.endsWith(".ts") && !path.startsWith("node:")).sort();
    };
    expect(packagesBelow("main.ts")).toEqual(["node-cron", "ox/Address", "ox/Value"]);
    const withFiles = ["convict", "dotenv", "node-cron", "ox/Address", "ox/Value", "viem/chains/utils", "yaml"];
    expect(packagesBelow("config/loadConfig.ts")).toEqual(withFiles);
  });

  it("loads the whole of viem nowhere but in the library for clients: it takes memory in every thread", () => {
    const whole = ({ to, isType }: Import) => to === "viem" && !isType;
    expect(strays((path) => !isIn("client")(path), whole)).toEqual([]);
  });
});
