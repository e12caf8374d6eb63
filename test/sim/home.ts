import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadPolicies } from "../../src/policy/loadPolicies.ts";
import type { PolicySet } from "../../src/policy/policyPort.ts";
import { others, writePolicies } from "./policies.ts";

/** Folder of all runs of this process, where there is memory for it. */
type Home = { readonly folder: string; readonly policies: PolicySet; readonly otherPolicies: readonly PolicySet[] };

let home: Home | undefined;

export function prepare(): Home {
  if (home) return home;
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "ogpu-sim-"));
  const otherPolicies = others.map((files, index) =>
    loadPolicies(writePolicies(join(folder, `others${index}`), files)),
  );
  home = { folder, policies: loadPolicies(writePolicies(join(folder, "policies"))), otherPolicies };
  return home;
}

/** Removes what the runs of this thread left on the disk; the next run begins afresh. */
export function cleanUp(): void {
  if (home) rmSync(home.folder, { recursive: true, force: true });
  home = undefined;
}
