import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** A certificate and its key, in PEM. */
export type Identity = { readonly cert: string; readonly key: string };
type Authority = Identity & { readonly issue: (name: string) => Identity };

const tlv = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...size), body]);
};
const sequence = (...parts: readonly Uint8Array[]) => tlv(0x30, ...parts);
const oid = (digits: string) => tlv(0x06, Buffer.from(digits, "hex"));
const time = (text: string) => tlv(0x18, Buffer.from(text));
const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"));
const subject = (name: string) => sequence(tlv(0x31, sequence(oid("550403"), tlv(0x0c, Buffer.from(name)))));
const extension = (id: string, critical: boolean, value: Uint8Array) =>
  sequence(oid(id), ...(critical ? [tlv(0x01, Buffer.of(255))] : []), tlv(0x04, value));
const thisMachine = sequence(tlv(0x82, Buffer.from("localhost")), tlv(0x87, Buffer.of(127, 0, 0, 1)));

type Certified = {
  readonly name: string;
  readonly by: string;
  readonly publicKey: KeyObject;
  readonly withKey: KeyObject;
};

function certificate({ name, by, publicKey, withKey }: Certified, isAuthority: boolean): string {
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.of(2))),
    tlv(0x02, Buffer.concat([Buffer.of(1), randomBytes(8)])),
    ecdsaWithSha256,
    subject(by),
    sequence(time("20200101000000Z"), time("21200101000000Z")),
    subject(name),
    publicKey.export({ type: "spki", format: "der" }),
    tlv(
      0xa3,
      sequence(
        extension("551d13", true, sequence(...(isAuthority ? [tlv(0x01, Buffer.of(255))] : []))),
        ...(isAuthority ? [] : [extension("551d11", false, thisMachine)]),
      ),
    ),
  );
  const whole = sequence(body, ecdsaWithSha256, tlv(0x03, Buffer.of(0), sign("sha256", body, withKey)));
  return `-----BEGIN CERTIFICATE-----\n${whole.toString("base64").replace(/.{64}(?=.)/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
}

const pem = (key: KeyObject) => key.export({ type: "pkcs8", format: "pem" }).toString();

/** An authority of a test's own; what it issues is for localhost and 127.0.0.1. */
export function createAuthority(name = "test authority"): Authority {
  const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    cert: certificate({ name, by: name, publicKey: own.publicKey, withKey: own.privateKey }, true),
    key: pem(own.privateKey),
    issue: (subjectName) => {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const cert = certificate({ name: subjectName, by: name, publicKey, withKey: own.privateKey }, false);
      return { cert, key: pem(privateKey) };
    },
  };
}
