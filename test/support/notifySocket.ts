import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One datagram, as systemd would read it. */
export type Notification = Readonly<Record<string, string>>;

export type NotifySocket = {
  /** For `NOTIFY_SOCKET`. */
  readonly path: string;
  readonly received: readonly Notification[];
  /** Resolves with the first that fits, past ones included. */
  readonly heard: (fits: (notification: Notification) => boolean) => Promise<Notification>;
  readonly stop: () => Promise<void>;
};

/** Node has no datagram sockets of the AF_UNIX family; Perl is there wherever systemd's packages are. */
const receiver = `
use strict; use Socket;
socket(my $socket, PF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
bind($socket, sockaddr_un($ARGV[0])) or die "bind: $!";
$| = 1; print "bound\\n";
if (fork()) { 1 while sysread(STDIN, my $byte, 1); kill 9, 0; }
while (defined recv($socket, my $text, 65536, 0)) { $text =~ s/\\n/\\t/g; print "$text\\n"; }
`;

/** Listens as systemd does, and keeps what it hears. */
export async function startNotifySocket(): Promise<NotifySocket> {
  const directory = mkdtempSync(join(tmpdir(), "notify-"));
  const path = join(directory, "socket");
  const child = spawn("perl", ["-e", receiver, path], { stdio: ["pipe", "pipe", "inherit"], detached: true });
  const received: Notification[] = [];
  const listeners = new Set<() => void>();
  let pending = "";
  const bound = Promise.withResolvers<void>();
  child.stdout.on("data", (chunk: Buffer) => {
    const lines = (pending + chunk).split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "bound") bound.resolve();
      else received.push(Object.fromEntries(line.split("\t").map((each) => each.split(/=(.*)/s).slice(0, 2))));
    }
    for (const listener of listeners) listener();
  });
  child.once("error", bound.reject);
  child.once("exit", () => bound.reject(new Error("the receiver ended")));
  await bound.promise;
  return {
    path,
    received,
    heard: (fits) =>
      new Promise((resolve) => {
        const look = () => {
          const found = received.find(fits);
          if (!found) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        look();
      }),
    stop: async () => {
      const exited = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
      child.stdin.end();
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
