import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/** A package registry on this machine, which has what is installed here and nothing else. */
export type Registry = { readonly url: string; readonly stop: () => Promise<void> };

type Manifest = { readonly name: string; readonly version: string };

const root = join(import.meta.dirname, "../..");

/** Serves the packages that the lock file says were installed, so that `npm install` needs no network. */
export async function startRegistry(): Promise<Registry> {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, object>;
  };
  const folders = Object.keys(lock.packages).filter(
    (path) => path !== "" && existsSync(join(root, path, "package.json")),
  );
  const packages = folders.map((folder) => {
    const manifest = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Manifest;
    return { folder: join(root, folder), manifest };
  });

  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://registry").pathname).slice(1);
    const [name = "", version] = path.split("/-/");
    const found = packages.filter(({ manifest }) => manifest.name === name);
    const wanted = found.find(({ manifest }) => manifest.version === version);
    if (found.length === 0 || (version !== undefined && !wanted)) return void response.writeHead(404).end("{}");
    if (wanted) {
      response.writeHead(200, { "content-type": "application/octet-stream" });
      const tar = spawn("tar", [
        "-cf",
        "-",
        "--exclude=./node_modules",
        "--transform=s,^\\.,package,",
        "-C",
        wanted.folder,
        ".",
      ]);
      return void tar.stdout.pipe(response);
    }
    const tarball = (of: string) => `${url}/${name}/-/${of}`;
    const versions = Object.fromEntries(
      found.map(({ manifest }) => [manifest.version, { ...manifest, dist: { tarball: tarball(manifest.version) } }]),
    );
    const latest = found.map(({ manifest }) => manifest.version).at(-1);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ name, "dist-tags": { latest }, versions }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    stop: async () => {
      server.close().closeAllConnections();
      await once(server, "close");
    },
  };
}
