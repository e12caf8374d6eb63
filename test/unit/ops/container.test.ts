import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { isInContext, parseCopy, parseDockerfile } from "../../../container/dockerfile.ts";
import { parseDuration } from "../../../src/config/duration.ts";
import { schema, settings, variableOf } from "../../../src/config/schema.ts";

const root = join(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const stages = parseDockerfile(read("Dockerfile"));
const all = stages.flatMap(({ instructions }) => instructions);
const final = stages.at(-1)?.instructions ?? [];
const one = (name: string) => final.findLast((each) => each.name === name)?.rest;
const graceSeconds = parseDuration(schema.shutdown.grace.default as string) / 1_000;

// biome-ignore lint/suspicious/noExplicitAny: what is read is read as it is
type Any = any;
const compose: Any = parse(read("compose.yaml"));
const manifests: Any[] = parseAllDocuments(read("docs/kubernetes.yaml")).map((document) => document.toJS());
const manifestText = read("docs/kubernetes.yaml");
const deployment = manifests.find(({ kind }) => kind === "Deployment").spec;
const pod = deployment.template.spec;
const podConfig: Any = parse(manifests.find(({ kind }) => kind === "ConfigMap").data["config.yaml"]);

describe("the Dockerfile", () => {
  it("copies only what there is and what .dockerignore lets in", () => {
    for (const { name, rest } of all) {
      if (name !== "COPY") continue;
      const { from, sources } = parseCopy(rest);
      for (const source of from === undefined ? sources : [])
        expect([source, existsSync(join(root, source)), isInContext(read(".dockerignore"), source)]).toEqual([
          source,
          true,
          true,
        ]);
    }
    for (const secret of [".env", "secrets", "config.local.yaml", "data"])
      expect(isInContext(read(".dockerignore"), secret)).toBe(false);
  });

  it("needs no shell, no root and no absolute path in what it runs", () => {
    expect(one("USER")).toBe("nonroot");
    for (const name of ["ENTRYPOINT", "CMD", "HEALTHCHECK"]) expect(one(name)).toMatch(/\[.*\]$/);
    expect(final.some(({ name }) => name === "RUN")).toBe(false);
    for (const { name, rest } of all) if (name === "RUN") expect(rest).not.toMatch(/(^|\s)\//);
  });
});

describe("compose.yaml and the Kubernetes manifest", () => {
  it("run the daemon alone by default, as nobody, on a read-only root, and give it time to stop", () => {
    const { confirmd, ...others } = compose.services;
    expect(confirmd.profiles).toBeUndefined();
    expect(Object.values<Any>(others).map(({ profiles }) => profiles)).toEqual([
      ["postgres"],
      ["monitoring"],
      ["monitoring"],
    ]);
    expect([confirmd.read_only, confirmd.user, confirmd.cap_drop]).toEqual([true, "65532:65532", ["ALL"]]);
    expect(confirmd.ulimits).toEqual({ core: 0 });
    expect(Number.parseInt(confirmd.stop_grace_period, 10)).toBeGreaterThan(graceSeconds);
    for (const ports of Object.values<Any>(compose.services).map((service) => service.ports))
      for (const port of ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    expect(pod.containers[0].securityContext).toMatchObject({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
    });
    expect([pod.securityContext.runAsNonRoot, pod.securityContext.runAsUser]).toEqual([true, 65_532]);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(graceSeconds);
    expect([deployment.replicas, deployment.strategy.type]).toEqual([1, "Recreate"]);
  });

  it("give the journal a server that is waited for where its profile is active, pinned, and with its password in a file", () => {
    const { confirmd, postgres } = compose.services;
    expect(confirmd.depends_on).toEqual({ postgres: { condition: "service_healthy", required: false } });
    expect(postgres.healthcheck.test.slice(0, 2)).toEqual(["CMD", "pg_isready"]);
    expect([postgres.image, postgres.ports]).toEqual([expect.stringMatching(/^postgres:\d+\.\d+$/), undefined]);
    expect(postgres.environment.POSTGRES_PASSWORD_FILE).toBe("/run/secrets/postgres-password");
    expect(Object.keys(compose.secrets)).toEqual(expect.arrayContaining([...confirmd.secrets, ...postgres.secrets]));
    // What the document tells to write into .env is what the daemon is given.
    const written = [...read("docs/container.md").matchAll(/^(OGPU_JOURNAL_\w+)=(.+)$/gm)].map(([, name, value]) => [
      name,
      value,
    ]);
    const url = new URL(Object.fromEntries(written).OGPU_JOURNAL_URL);
    expect([url.username, url.hostname, url.pathname]).toEqual([
      postgres.environment.POSTGRES_USER,
      "postgres",
      `/${postgres.environment.POSTGRES_DB}`,
    ]);
    expect(confirmd.volumes).toContain("./secrets/journal:/run/journal:ro");
    expect(Object.fromEntries(written).OGPU_JOURNAL_PASSWORD_FILE).toBe("/run/journal/password");
    for (const [name] of written) expect(confirmd.environment).toHaveProperty(name as string);
  });

  it("mount files that there are, name variables that the daemon knows, and meet the image's paths and port", () => {
    for (const service of Object.values<Any>(compose.services))
      for (const volume of service.volumes ?? []) {
        const [from = ""] = volume.split(":");
        if (from.startsWith("./") && !["./config.yaml", "./policies", "./secrets/journal"].includes(from))
          expect([from, existsSync(join(root, from))]).toEqual([from, true]);
        else if (!from.startsWith("./")) expect(Object.keys(compose.volumes)).toContain(from);
      }
    const variables = new Set(settings().map(({ key }) => variableOf(key)));
    for (const name of Object.keys(compose.services.confirmd.environment))
      expect([name, variables.has(name)]).toEqual([name, true]);
    const state = final.find(({ rest }) => rest.startsWith("STATE_DIRECTORY="))?.rest.split("=")[1];
    expect(pod.containers[0].volumeMounts.map(({ mountPath }: Any) => mountPath)).toContain(state);
    expect(compose.services.confirmd.volumes).toContain(`state:${state}`);
    expect([Number(one("EXPOSE")), pod.containers[0].ports[0].containerPort]).toEqual([
      schema.http.port.default,
      schema.http.port.default,
    ]);
    const claimed = pod.volumes.map(({ name }: Any) => name);
    for (const { name } of pod.containers[0].volumeMounts) expect(claimed).toContain(name);
    const keys = new Set(settings().map(({ key }) => key));
    for (const [group, entries] of Object.entries<Any>(podConfig))
      for (const key of typeof entries === "object" ? Object.keys(entries).map((leaf) => `${group}.${leaf}`) : [group])
        expect([key, keys.has(key)]).toEqual([key, true]);
  });

  it("use in the manifest everything that its header has one put into the cluster", () => {
    const made = [...manifestText.matchAll(/^#.* create (secret generic|configmap) (\S+) (.*)$/gm)];
    const used = JSON.stringify(Object.values<Any>(podConfig).map((entries) => Object.values<Any>(entries)));
    const files = made.flatMap(([, kind, name, rest = ""]) => {
      const volume = pod.volumes.find(({ secret, configMap }: Any) =>
        kind === "configmap" ? configMap?.name === name : secret?.secretName === name,
      );
      const { mountPath } = pod.containers[0].volumeMounts.find((mount: Any) => mount.name === volume.name);
      return [...rest.matchAll(/--from-file=(\S+)/g)].map(([, file = ""]) => ({ kind, file, mountPath }));
    });
    expect(files.map(({ file }) => file)).toEqual(["agent-key", "alert-webhook", "policies/"]);
    for (const { kind, file, mountPath } of files)
      if (kind === "configmap") expect(one("ENV")).toContain(`=${mountPath}`);
      else expect(used).toContain(`"${mountPath}/${file}"`);
  });
});
