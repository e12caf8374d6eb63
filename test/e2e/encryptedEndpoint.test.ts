import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join } from "node:path";
import { createServer, type Server } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { confirmationsOnChain } from "../support/chainTruth.ts";
import { createHome, type DaemonProcess, type Home, startDaemon } from "../support/daemonProcess.ts";
import { openPayStage, type PayStage, toldOf } from "../support/payStage.ts";
import { createAuthority } from "../unit/signer/certificates.ts";

const authority = createAuthority();
let stage: PayStage;
let server: Server;
let ways: Set<Socket>;
let home: Home;
let daemon: DaemonProcess;

beforeEach(async () => {
  stage = await openPayStage();
  ways = new Set();
  const node = Number(new URL(stage.devnet.rpc.http).port);
  server = createServer(authority.issue("node"), (client) => {
    const upstream = connect(node, "127.0.0.1");
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) {
      ways.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        client.destroy();
        upstream.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(async () => {
  daemon.kill("SIGKILL");
  await daemon.exited;
  home.remove();
  for (const socket of ways) socket.destroy();
  server.close();
  await stage.devnet.stop();
});

/** @param trusted What the machine takes for an authority beside its own. */
function start(schemes: { readonly http: string; readonly ws: string }, trusted: string): void {
  const at = `//127.0.0.1:${(server.address() as AddressInfo).port}`;
  home = createHome(stage.devnet, {
    rpc: { http: `${schemes.http}:${at}`, ws: `${schemes.ws}:${at}`, pollInterval: "1s" },
    chain: { finality: 1 },
  });
  const file = join(home.directory, "authority.pem");
  writeFileSync(file, trusted);
  const env = { NODE_EXTRA_CA_CERTS: file };
  daemon = startDaemon({ home, privateKey: stage.devnet.accounts.agent.privateKey, env });
}

describe("an endpoint behind TLS", () => {
  for (const http of ["https", "wss"]) {
    it(`is asked over ${http}, tells of events over wss, and what it is sent is paid`, async () => {
      start({ http, ws: "wss" }, authority.cert);
      await daemon.ready();
      await daemon.logged(({ msg }) => msg === "the WebSocket is up");
      const tasks = await stage.answeredTasks(3);
      await stage.mineUntil(toldOf(daemon, "final", tasks));
      const paid = await confirmationsOnChain(stage.devnet);
      expect(tasks.map((task) => paid.get(task))).toEqual([1, 1, 1]);
      daemon.kill("SIGTERM");
      expect(await daemon.exited).toBe(0);
    });

    it(`is not believed over ${http} where its certificate is nobody's that the machine trusts, and the log says so`, async () => {
      start({ http, ws: "wss" }, createAuthority("another authority").cert);
      expect(await daemon.exited).toBe(75);
      expect(daemon.output()).toContain("did not answer: UNABLE_TO_VERIFY_LEAF_SIGNATURE");
      expect(ways.size).toBe(0);
    });
  }
});
