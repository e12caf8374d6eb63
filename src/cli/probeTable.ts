import { type EndpointProbe, type Expected, knowsFinality } from "../chain/probe.ts";

const yes = (value: boolean): string => (value ? "yes" : "no");
const depth = (value: bigint | undefined): string => (value === undefined ? "no" : `head - ${value}`);

const columns: readonly (readonly [string, (probe: EndpointProbe) => string])[] = [
  ["endpoint", ({ name }) => name],
  ["client", ({ clientVersion }) => clientVersion.slice(0, 40)],
  ["head", ({ head }) => String(head)],
  ["safe", ({ safeDepth }) => depth(safeDepth)],
  ["finalized", ({ finalizedDepth }) => depth(finalizedDepth)],
  ["getLogs", (probe) => logsText(probe)],
  ["by hash", ({ logsByHash }) => yes(logsByHash)],
  ["fees", ({ eip1559 }) => (eip1559 ? "EIP-1559" : "legacy")],
  ["batches", ({ batches }) => yes(batches)],
  ["deployless call", ({ deploylessCalls }) => yes(deploylessCalls)],
];

function logsText({ logsRange, isLogsRangeLimited }: EndpointProbe): string {
  if (logsRange === undefined) return "no";
  return isLogsRangeLimited ? `${logsRange} blocks` : `${logsRange}+ blocks`;
}

/** What the probe found, an endpoint a line, under a line of names. */
export function probeTable(probes: readonly EndpointProbe[]): string {
  const rows = [columns.map(([name]) => name), ...probes.map((probe) => columns.map(([, cell]) => cell(probe)))];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** What an operator may want to change, in words. */
export function probeWarnings(
  probes: readonly EndpointProbe[],
  { maxBlockRange, finality }: { readonly maxBlockRange: number; readonly finality: Expected["finality"] },
): readonly string[] {
  const heads = probes.map(({ head }) => head);
  const newest = heads.reduce((most, head) => (head > most ? head : most), 0n);
  return probes.flatMap((probe) => warningsOf(probe, { newest, maxBlockRange, finality }));
}

function warningsOf(
  probe: EndpointProbe,
  { newest, maxBlockRange, finality }: { newest: bigint; maxBlockRange: number; finality: Expected["finality"] },
): readonly string[] {
  const { name, head, logsRange, isLogsRangeLimited, batches } = probe;
  return [
    ...(logsRange === undefined ? [`${name} takes no eth_getLogs: the daemon cannot find events there`] : []),
    ...(logsRange !== undefined && isLogsRangeLimited && logsRange < maxBlockRange
      ? [`${name} takes eth_getLogs of about ${logsRange} blocks, and rpc.maxBlockRange is ${maxBlockRange}`]
      : []),
    ...(batches ? [] : [`${name} takes no batches: every call is a request of its own`]),
    ...(newest - head > farBehind ? [`${name} is ${newest - head} blocks behind the others`] : []),
    ...(knowsFinality(probe, finality) ? [] : [`${name} does not know the block tag "${finality}" (chain.finality)`]),
  ];
}

const farBehind = 50n;
