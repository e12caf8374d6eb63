import { describe, expect, it, onTestFinished } from "vitest";
import { describeError } from "../../../src/errors.ts";
import { type AccountAddress, toAddress } from "../../../src/protocol/brand.ts";
import { createRemoteSigner } from "../../../src/signer/remote/createRemoteSigner.ts";
import { probeRemote } from "../../../src/signer/remote/probeRemote.ts";
import { createSignerRpc, type SignerRpcOptions } from "../../../src/signer/remote/signerRpc.ts";
import { createAuthority } from "./certificates.ts";
import { account, describeSigner, transaction, viemBytes } from "./contract.ts";
import { type Say, signerServer, signParameters, startSignerServer, Whole } from "./signerServer.ts";

const address: AccountAddress = toAddress(account.address);
const token = "t0ken-that-nobody-may-see";
const web3Signer: Say = ({ params }) => signParameters(params);
const clef: Say = async ({ params }) => ({ raw: await signParameters(params), tx: { nonce: "0x7" } });

for (const [name, say] of Object.entries({ web3Signer, clef }))
  describeSigner({
    name: `createRemoteSigner, answered like ${name}`,
    open: async () => {
      const server = await startSignerServer(say);
      const rpc = createSignerRpc({ url: server.url, timeoutMs: 5_000 });
      const close = async () => {
        rpc.close();
        server.close();
      };
      return { ...createRemoteSigner({ rpc, address }), close };
    },
    deterministic: true,
  });

function remote(options: Partial<SignerRpcOptions> & { readonly url: string }) {
  const rpc = createSignerRpc({ timeoutMs: 2_000, pausesMs: [1, 1], ...options });
  onTestFinished(rpc.close);
  return createRemoteSigner({ rpc, address });
}

/** The refusal in full, which must not show the token. */
async function refusal(work: Promise<unknown>): Promise<{ readonly code: string; readonly text: string }> {
  const error = await work.then(
    () => Promise.reject(new Error("it was signed")),
    (reason) => reason,
  );
  const text = `${describeError(error)} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`;
  expect(text).not.toContain(token);
  return { code: error.code, text };
}

describe("createRemoteSigner", () => {
  it("asks for exactly the transaction, with the token", async () => {
    const server = await signerServer(web3Signer);
    await remote({ url: server.url, token }).sign(transaction());
    expect(server.seen).toEqual([
      {
        authorization: `Bearer ${token}`,
        method: "eth_signTransaction",
        params: [
          {
            from: address,
            to: "0x8661F4B9c30e07A04d795A192478dfD905625a1D",
            data: "0xa1B2c3d4",
            value: "0x0",
            nonce: "0x7",
            gas: "0x33450",
            chainId: "0x42f",
            maxFeePerGas: "0x6fc23ac00",
            maxPriorityFeePerGas: "0x3b9aca00",
          },
        ],
      },
    ]);
  });

  it("stops when what comes back is another transaction, or another account's", async () => {
    const otherNonce = await signerServer(() => viemBytes(transaction({ nonce: 8 as never })));
    const error = await refusal(remote({ url: otherNonce.url }).sign(transaction()));
    expect(error).toMatchObject({ code: "SIGNED_BYTES_DIFFER", text: expect.stringContaining("in: nonce") });

    const own = await signerServer(web3Signer);
    const rpc = createSignerRpc({ url: own.url, timeoutMs: 2_000 });
    onTestFinished(rpc.close);
    const isOurs = () => undefined;
    expect(await refusal(createRemoteSigner({ rpc, address, isOurs }).sign(transaction()))).toMatchObject({
      code: "SIGNED_BYTES_DIFFER",
      text: expect.stringContaining("in: signer"),
    });
  });

  it("asks again when the answer is lost on the way, a few times", async () => {
    const server = await signerServer(web3Signer);
    server.drop(2);
    const { raw } = await remote({ url: server.url }).sign(transaction());
    expect(raw).toBe(await viemBytes(transaction()));
    expect(server.seen).toHaveLength(3);

    server.drop(3);
    const error = await refusal(remote({ url: server.url, token }).sign(transaction()));
    expect(error).toMatchObject({ code: "SIGNER_UNREACHABLE", text: expect.stringContaining("ECONNRESET") });
    expect(server.seen).toHaveLength(6);
  });

  it("gives up on a signer that is down, and on one that says nothing", async () => {
    const down = await startSignerServer(web3Signer);
    down.close();
    const refused = await refusal(remote({ url: down.url, token }).sign(transaction()));
    expect(refused).toMatchObject({ code: "SIGNER_UNREACHABLE", text: expect.stringContaining("ECONNREFUSED") });

    const mute = await signerServer(() => new Promise(() => undefined));
    const silent = await refusal(remote({ url: mute.url, token, timeoutMs: 500 }).sign(transaction()));
    expect(silent).toMatchObject({ code: "SIGNER_UNREACHABLE", text: expect.stringContaining("within 500 ms") });
    expect(mute.seen).toHaveLength(3);
  });

  it.each<[string, Say, string]>([
    [
      "an error that repeats the token",
      () => new Whole(200, JSON.stringify({ id: 1, error: { code: -32000, message: `no, Bearer ${token}` } })),
      "refused: no, Bearer ***",
    ],
    [
      "an error with a failing status, as Web3Signer sends it",
      () => new Whole(400, JSON.stringify({ id: 1, error: { code: -32602, message: "Invalid params" } })),
      "refused: Invalid params",
    ],
    ["401", () => new Whole(401, "who are you?"), "refused: HTTP 401"],
    ["403", () => new Whole(403, "{}"), "refused: HTTP 403"],
    ["502", () => new Whole(502, "<html>"), "refused: HTTP 502"],
    ["no JSON", () => new Whole(200, "hello"), "is no JSON-RPC"],
    ["the answer to something else", () => new Whole(200, '{"id":99,"result":"0x00"}'), "is no JSON-RPC"],
    ["no transaction", () => ({ raw: 5 }), "answered no transaction"],
    ["text", () => "0xnonsense", "answered no transaction"],
    ["null", () => null, "answered no transaction"],
  ])("does not ask again after %s", async (_, say, text) => {
    const server = await signerServer(say);
    const error = await refusal(remote({ url: server.url, token }).sign(transaction()));
    expect(error).toMatchObject({ code: "SIGNER_REFUSED", text: expect.stringContaining(text) });
    expect(server.seen).toHaveLength(1);
  });

  it("stops reading an answer that never ends", async () => {
    const server = await signerServer(() => new Whole(200, "x".repeat(3_000_000)));
    const error = await refusal(remote({ url: server.url, token }).sign(transaction()));
    expect(error.text).toContain("an answer that is too long");
    expect(server.seen).toHaveLength(1);
  });

  it("asks over http on this machine only", () => {
    for (const url of ["http://10.0.0.1:9000", "http://signer.example", "http://127.0.0.1.example"])
      expect(() => createSignerRpc({ url, timeoutMs: 1_000 })).toThrow(
        expect.objectContaining({ code: "SIGNER_INSECURE" }),
      );
    for (const url of ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"])
      createSignerRpc({ url, timeoutMs: 1_000 }).close();
  });
});

describe("createRemoteSigner over TLS", () => {
  const authority = createAuthority();
  const server = authority.issue("signer");
  const client = authority.issue("daemon");
  const mutual = { ...server, ca: authority.cert, requestCert: true, rejectUnauthorized: true };

  it("proves who it is with its certificate, and checks who answers", async () => {
    const { url } = await signerServer(web3Signer, mutual);
    const { raw } = await remote({ url, tls: { ca: authority.cert, ...client } }).sign(transaction());
    expect(raw).toBe(await viemBytes(transaction()));
  });

  it("is refused without a certificate, or with a stranger's", async () => {
    const { url, seen } = await signerServer(web3Signer, mutual);
    const stranger = createAuthority("another").issue("daemon");
    for (const identity of [{}, stranger]) {
      const error = await refusal(remote({ url, token, tls: { ca: authority.cert, ...identity } }).sign(transaction()));
      expect(error.code).toBe("SIGNER_UNREACHABLE");
    }
    expect(seen).toEqual([]);
  });

  it("sends nothing to a server that its authority does not vouch for, and does not try again", async () => {
    const { url, seen } = await signerServer(web3Signer, createAuthority("another").issue("signer"));
    const attempts = [remote({ url, token, tls: { ca: authority.cert } }), remote({ url, token })];
    for (const each of attempts) {
      const error = await refusal(each.sign(transaction()));
      expect(error.text).toMatch(/UNABLE_TO_VERIFY|SELF_SIGNED|UNABLE_TO_GET/);
    }
    expect(seen).toEqual([]);
  });
});

describe("probeRemote", () => {
  const probe = async (say: Say) => probeRemote({ url: (await signerServer(say)).url, timeoutMs: 2_000 }, [address]);

  it("is content with a signer that has the account, in any spelling", async () => {
    await expect(probe(() => [account.address])).resolves.toEqual([]);
  });

  it("says which account is missing", async () => {
    await expect(probe(() => [])).rejects.toMatchObject({
      code: "SIGNER_ACCOUNT_UNKNOWN",
      message: expect.stringContaining(account.address),
    });
  });

  it("only warns if the signer does not tell", async () => {
    const say = () => new Whole(200, JSON.stringify({ id: 1, error: { message: "Request denied" } }));
    await expect(probe(say)).resolves.toEqual([expect.stringContaining("Request denied")]);
  });
});
