import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Reporter } from "../../report.ts";

type Expiring = {
  /** For people, e.g. `certificate for the remote signer`. */
  readonly what: string;
  /** PEM. */
  readonly path: string;
};

/** Reads until when certificates are good. @throws Error if one cannot be read. */
export function checkExpiries(
  certificates: readonly Expiring[],
  { now, warnMs }: { readonly now: number; readonly warnMs: number },
  report: Reporter,
): void {
  for (const { what, path } of certificates) {
    const blocks = readFileSync(path, "utf8").match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
    if (blocks === null) throw new Error(`there is no certificate in ${path}`);
    const at = Math.min(...blocks.map((block) => new X509Certificate(block).validToDate.getTime()));
    report({ type: "expiry", what, at, soon: at - now < warnMs });
  }
}
