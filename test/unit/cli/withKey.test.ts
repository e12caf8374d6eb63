import { join } from "node:path";
import { setImmediate as settled } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { type JournalSite, journalSite } from "../../../src/cli/journalSite.ts";
import { type HeldKey, requireFreeKey, withKey } from "../../../src/cli/withKey.ts";
import { systemClock } from "../../../src/clock.ts";
import type { Journal } from "../../../src/journal/journal.ts";
import { commandOwner } from "../../../src/journal/leaseJournal.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { toNonce, wei } from "../../../src/protocol/brand.ts";
import { hashOf, response, source, task } from "../../support/fakeChain.ts";
import { signerOfKey } from "../../support/sinkBench.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";
import { createVirtualTime } from "../../support/virtualTime.ts";

const key = signerOfKey("1");
const other = signerOfKey("2");
let directory: string;
let path: string;
let site: JournalSite;
let now: number;

beforeEach(() => {
  directory = temporaryFolder("with-key-");
  path = join(directory, "journal.sqlite");
  site = journalSite({ journal: { path }, chain: { id: 1071 } } as never, { env: {}, cwd: directory });
  now = Date.now();
});

const open = () => openSqliteJournal({ path, chainId: 1071 });
/** As a daemon opens it; what it does, and its end. */
async function asDaemon<T>(work: (journal: Journal) => Promise<T>): Promise<T> {
  const journal = open();
  try {
    return await work(journal);
  } finally {
    await journal.close();
  }
}
/** The same journal, some of it done otherwise. */
const siteWith = (change: (journal: Journal) => Partial<Journal>): JournalSite => ({
  ...site,
  open: async (options) => {
    const journal = await site.open(options);
    return { ...journal, ...change(journal) };
  },
});
const sign = async (journal: Journal) => {
  await journal.intake({ tasks: [{ task, source }], responses: [{ response, task }], touched: [] });
  const verdict = {
    kind: "confirm",
    reason: "",
    until: undefined,
    policy: "p",
    policyDigest: "d",
    mode: "enforce",
  } as const;
  const basis = { block: { number: 1n, hash: hashOf(1) }, payloadDigest: "", responseDigest: "d", payment: wei(1n) };
  const intent = await journal.decide([{ ...verdict, ...basis, task, response }], 0);
  if (!intent) throw new Error("no intent");
  const attempt = { kind: "confirm", hash: hashOf(9), raw: "0x00", nonce: toNonce(4), signedAt: 0 } as const;
  await journal.recordAttempt(intent.id, key.address, attempt);
  return intent.id;
};
const still = () => ({ ...systemClock, now: () => now });
const works = (signer = key) => withKey(site, signer, "confirm", async () => "sent", still());

describe("a command that sends", () => {
  it("is free to where there is no journal", async () => {
    await requireFreeKey(site, key);
    expect(await works()).toBe("sent");
  });

  it("is refused a key whose lease a daemon holds, although it has never paid with it", async () => {
    await asDaemon(async (journal) => {
      await journal.takeLease(key.address, "box 1", now, 30_000);
      const refusal = {
        code: "KEY_IN_USE",
        message: expect.stringMatching(/a daemon runs on .* and holds 0x.* \(box 1\)/),
      };
      await expect(requireFreeKey(site, key, now)).rejects.toMatchObject(refusal);
      await expect(works()).rejects.toMatchObject(refusal);
      await requireFreeKey(site, other, now);
    });
  });

  it("is refused a key that a daemon pays with, whatever its lease says", async () => {
    await asDaemon(async (journal) => {
      await sign(journal);
      await expect(works()).rejects.toMatchObject({ code: "KEY_IN_USE", message: expect.stringMatching(/pays with/) });
      expect(await works(other)).toBe("sent");
    });
  });

  it("is refused a key with something in flight that no daemon looks after: it would take its nonce", async () => {
    const id = await asDaemon(sign);
    const refusal = {
      code: "KEY_IN_USE",
      message: expect.stringMatching(/has 1 of 0x.* in flight \(nonce 4\), and no daemon runs/),
    };
    await expect(requireFreeKey(site, key)).rejects.toMatchObject(refusal);
    await expect(works()).rejects.toMatchObject(refusal);
    expect(await works(other)).toBe("sent");
    const mined = { hash: hashOf(9), blockNumber: 2n };
    await asDaemon((journal) => journal.changeConfirmation(id, { state: "mined", mined }));
    expect(await works()).toBe("sent");
  });

  it("is not kept waiting by the lease of a daemon that is gone", async () => {
    await asDaemon((journal) => journal.takeLease(key.address, "box 1", now, 30_000));
    await requireFreeKey(site, key, now);
    expect(await works()).toBe("sent");
  });

  it("keeps a daemon from starting while it sends, and lets it start afterwards", async () => {
    await asDaemon(async () => undefined);
    await withKey(site, key, "confirm", async () => expect(open).toThrow(/holds the journal|another/));
    await asDaemon(async (journal) => expect((await journal.leases())[0]?.expiresAt).toBe(0));
  });

  it("keeps a running daemon, which has other keys, from taking this one while it sends", async () => {
    await asDaemon(async (journal) => {
      const take = () => journal.takeLease(key.address, "box 1", now, 30_000);
      await withKey(
        site,
        key,
        "confirm",
        async () => expect((await take()).owner).toMatch(/^the command confirm on /),
        still(),
      );
      expect((await take()).owner).toBe("box 1");
    });
  });

  it("keeps its key where the daemon beside it is started again, from the daemon and from another command", async () => {
    const { promise: done, resolve: end } = Promise.withResolvers<void>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const work = async () => {
      begin();
      await done;
    };
    const command = await asDaemon(async () => {
      const running = withKey(site, key, "confirm", work, still());
      await begun;
      return { running };
    });
    const refusal = { code: "KEY_IN_USE", message: expect.stringMatching(/^the command confirm on .* holds 0x/) };
    await expect(requireFreeKey(site, key, now)).rejects.toMatchObject(refusal);
    await expect(works()).rejects.toMatchObject(refusal);
    await asDaemon(async (journal) => {
      const take = () => journal.takeLease(key.address, "box 1", now, 30_000);
      expect((await take()).owner).toMatch(/^the command confirm on /);
      await expect(works()).rejects.toMatchObject(refusal);
      end();
      await command.running;
      expect((await take()).owner).toBe("box 1");
    });
  });

  it("is not kept waiting by a command that was killed while it held the journal", async () => {
    const owner = commandOwner("confirm", "box", { besideDaemon: false });
    await asDaemon((journal) => journal.takeLease(key.address, owner, now, 180_000));
    await requireFreeKey(site, key, now);
    expect(await works()).toBe("sent");
  });

  it("keeps its key for as long as it works, also where a renewal failed", async () => {
    const { clock, pass } = createVirtualTime();
    let failures = 0;
    const renewLease = (journal: Journal): Journal["renewLease"] => {
      return async (...lease) => {
        if (failures++ === 0) throw new Error("busy");
        return journal.renewLease(...lease);
      };
    };
    await asDaemon(async (journal) => {
      const take = () => journal.takeLease(key.address, "box 1", clock.now(), 30_000);
      const work = async () => {
        await pass(600_000);
        expect((await take()).owner).toMatch(/^the command publish task on /);
      };
      await withKey(
        siteWith((each) => ({ renewLease: renewLease(each) })),
        key,
        "publish task",
        work,
        clock,
      );
      expect((await take()).owner).toBe("box 1");
    });
  });

  it("gives the key back for good where it is being renewed at that moment", async () => {
    const { clock, pass } = createVirtualTime();
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const late = (journal: Journal): Partial<Journal> => ({
      renewLease: async (...lease) => {
        await gate;
        return journal.renewLease(...lease);
      },
      releaseLease: async (lease) => {
        await journal.releaseLease(lease);
        await gate;
        await settled();
      },
    });
    await asDaemon(async (journal) => {
      const work = async () => {
        await pass(60_000);
        setImmediate(open);
      };
      await withKey(siteWith(late), key, "cancel", work, clock);
      expect(await journal.leases()).toMatchObject([{ expiresAt: 0 }]);
    });
  });

  it("does not take back a key that changed hands while it stood still", async () => {
    const { clock, pass } = createVirtualTime();
    await asDaemon(async (journal) => {
      const work = async () => {
        await journal.takeLease(key.address, "box 1", clock.now() + 180_000, 30_000);
        await pass(200_000);
      };
      await withKey(site, key, "cancel", work, clock);
      expect(await journal.leases()).toMatchObject([{ owner: "box 1", expiresAt: 210_000 }]);
    });
  });

  it("says so before it signs or sends where the key changed hands while it stood still, and goes on where it did not", async () => {
    await asDaemon(async (journal) => {
      const work = async (held?: HeldKey) => {
        now += 600_000;
        await held?.requireHeld();
        expect(await journal.leases()).toMatchObject([{ expiresAt: now + 180_000 }]);
        now += 600_000;
        await journal.takeLease(key.address, "box 1", now, 30_000);
        await held?.requireHeld();
      };
      const refusal = {
        code: "KEY_IN_USE",
        message: expect.stringMatching(/^box 1 has taken 0x.* while this command/),
      };
      await expect(withKey(site, key, "confirm", work, still())).rejects.toMatchObject(refusal);
    });
  });

  it("takes a journal that cannot be asked for no word on its key while that is held, and for a refusal afterwards", async () => {
    const silent = siteWith(() => ({ renewLease: async () => Promise.reject(new Error("busy")) }));
    await asDaemon(async () => {
      const work = async (held?: HeldKey) => {
        now += 179_000;
        await held?.requireHeld();
        now += 2_000;
        await held?.requireHeld();
      };
      await expect(withKey(silent, key, "confirm", work, still())).rejects.toThrow("busy");
    });
  });

  it("gives the key back where it fails", async () => {
    await asDaemon(async (journal) => {
      const fail = async () => {
        throw new Error("refused");
      };
      await expect(withKey(site, key, "confirm", fail, still())).rejects.toThrow("refused");
      expect((await journal.takeLease(key.address, "box 1", now, 30_000)).owner).toBe("box 1");
    });
  });
});
