import { isMap, isScalar, type Pair, type YAMLMap } from "yaml";
import { type PluginSpec, policyCeilings, policyDefaults, type SignalSpec } from "./policySpec.ts";
import type { Report } from "./problems.ts";
import { readDuration, readLocated, readWhole } from "./readers.ts";
import { readOptions } from "./readOptions.ts";
import { type Entries, offsetOf, optionalMap, readMap, readText, required, type YamlNode } from "./yamlReader.ts";

/** Reads `signals`: external judges by name. */
export function parseSignals(node: YamlNode, report: Report): readonly SignalSpec[] {
  if (!node) return [];
  if (!isMap(node)) {
    report(offsetOf(node), "signals is a map of names", "write signals: { quality: { url: … } }");
    return [];
  }
  return ((node as YAMLMap).items as Pair[]).flatMap((pair) => {
    const key = pair.key as YamlNode;
    const name = isScalar(key) && typeof key.value === "string" ? key.value : "";
    if (!/^[a-zA-Z][a-zA-Z0-9_]{0,31}$/.test(name)) {
      report(offsetOf(key), "the name of a signal is a word of letters and digits");
      return [];
    }
    const entries = readMap(pair.value as YamlNode, "signal", report);
    const signal = entries && readSignal(name, entries, report);
    return signal ? [signal] : [];
  });
}

function readSignal(name: string, entries: Entries, report: Report): SignalSpec | undefined {
  const path = `signals.${name}`;
  const node = required(entries, "url", "write where the judge answers", report);
  const text = node ? readText(node, `${path}.url`, report) : undefined;
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  if (!url || !["http:", "https:"].includes(url.protocol)) {
    report(offsetOf(node), `${path}.url is no http or https URL`);
    return undefined;
  }
  if (url.username || url.password) {
    report(offsetOf(node), `${path}.url holds credentials`, "requests are signed: see secret");
    return undefined;
  }
  const { signal: defaults } = policyDefaults;
  const { signal: ceilings } = policyCeilings;
  const secret = entries.get("secret");
  const secretName = secret ? readText(secret, `${path}.secret`, report) : undefined;
  if (secretName !== undefined && !/^[A-Z][A-Z0-9_]{0,63}$/.test(secretName)) {
    report(offsetOf(secret), `${path}.secret is the name of an environment variable`, "write secret: JUDGE_SECRET");
  }
  const retries = { min: 0, max: ceilings.retries, fallback: defaults.retries };
  const perHour = { min: 1, max: ceilings.perHour, fallback: defaults.perHour };
  const timeout = { max: ceilings.timeoutMs, upTo: "2m", fallback: defaults.timeoutMs };
  return {
    name,
    url: url.href,
    timeoutMs: readDuration(entries.get("timeout"), `${path}.timeout`, timeout, report),
    retries: readWhole(entries.get("retries"), `${path}.retries`, retries, report),
    perHour: readWhole(entries.get("perHour"), `${path}.perHour`, perHour, report),
    secret: secretName,
  };
}

/** Reads `plugin`: a file with a judge in TypeScript or JavaScript, and its options. */
export function parsePlugin(policy: Entries, report: Report): PluginSpec | undefined {
  const entries = optionalMap(policy, "plugin", "plugin", report);
  if (!entries) return undefined;
  const file = readLocated(required(entries, "file", "write file: plugins/judge.ts", report), "plugin.file", report);
  if (!file) return undefined;
  if (!/\.(ts|js|mjs)$/.test(file.value)) report(file.offset, "a plug-in is a .ts or .js file");
  const options = entries.get("options");
  return { file, options: options ? readOptions(options, "plugin.options", report) : {} };
}
