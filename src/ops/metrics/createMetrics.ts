import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "@prometheus-io/client";
import { type MetricName, type MetricSpec, metricPrefix, metricTable } from "./metricTable.ts";

type Labels = Readonly<Record<string, string>>;

/** The daemon's numbers, in a registry of their own. */
export type Metrics = {
  /** Adds to a counter. */
  readonly add: (name: MetricName, amount: number, labels?: Labels) => void;
  /** Sets a gauge. */
  readonly set: (name: MetricName, value: number, labels?: Labels) => void;
  /** Puts a value into a histogram. */
  readonly observe: (name: MetricName, value: number, labels?: Labels) => void;
  /** Forgets a gauge's values, so that those that are not set again are not shown. */
  readonly forget: (name: MetricName) => void;
  /** Called before each reading. If it throws, so does the reading: numbers that are not the newest would be taken for them. */
  readonly beforeReading: (refresh: () => void) => void;
  /** The text that Prometheus reads. */
  readonly text: () => Promise<string>;
  readonly contentType: string;
  readonly registry: Registry;
};

type MetricsOptions = {
  readonly version: string;
  readonly nodeVersion: string;
  /** Also the process's own: memory, event loop, garbage collection, open files. @default true */
  readonly withProcess?: boolean;
};

export function createMetrics({ version, nodeVersion, withProcess = true }: MetricsOptions): Metrics {
  const registry = new Registry();
  if (withProcess) collectDefaultMetrics({ register: registry });
  const metrics = new Map(metricTable.map((spec) => [spec.name, build(spec, registry)]));
  const refreshes: (() => void)[] = [];
  const counter = (name: MetricName): Counter<string> => {
    const metric = metrics.get(name);
    if (metric instanceof Counter) return metric;
    throw new TypeError(`${name} is no counter`);
  };
  const gauge = (name: MetricName): Gauge<string> => {
    const metric = metrics.get(name);
    if (metric instanceof Gauge) return metric;
    throw new TypeError(`${name} is no gauge`);
  };
  const histogram = (name: MetricName): Histogram<string> => {
    const metric = metrics.get(name);
    if (metric instanceof Histogram) return metric;
    throw new TypeError(`${name} is no histogram`);
  };
  const set: Metrics["set"] = (name, value, labels = {}) => gauge(name).set(labels, value);
  set("build_info", 1, { version, node: nodeVersion });
  return {
    add: (name, amount, labels = {}) => counter(name).inc(labels, amount),
    set,
    observe: (name, value, labels = {}) => histogram(name).observe(labels, value),
    forget: (name) => gauge(name).reset(),
    beforeReading: (refresh) => void refreshes.push(refresh),
    text: () => {
      for (const refresh of refreshes) refresh();
      return registry.metrics();
    },
    contentType: registry.contentType,
    registry,
  };
}

function build({ name, type, labels = {}, help, buckets }: MetricSpec, registry: Registry) {
  const options = { name: `${metricPrefix}${name}`, help, labelNames: Object.keys(labels), registers: [registry] };
  switch (type) {
    case "counter": {
      const counter = new Counter(options);
      for (const each of combinations(labels)) counter.inc(each, 0);
      return counter;
    }
    case "gauge": {
      const gauge = new Gauge(options);
      for (const each of combinations(labels)) gauge.set(each, 0);
      return gauge;
    }
    case "histogram": {
      const histogram = new Histogram({ ...options, buckets: [...(buckets ?? [])] });
      for (const each of combinations(labels)) histogram.zero(each);
      return histogram;
    }
    default:
      return type satisfies never;
  }
}

/** Every combination of the labels' values; none where a label's values are not known beforehand. */
function combinations(labels: NonNullable<MetricSpec["labels"]>): Record<string, string>[] {
  let all: Record<string, string>[] = [{}];
  for (const [label, values] of Object.entries(labels)) {
    all = all.flatMap((each) => (values ?? []).map((value) => ({ ...each, [label]: value })));
  }
  return all;
}
