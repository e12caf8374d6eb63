/** Another response of the task, as expressions see it; a class for the reason that `weiType.ts` gives. */
export class SiblingValue {
  readonly address: unknown;
  readonly provider: unknown;
  readonly payment: unknown;
  readonly submittedAt: bigint;
  readonly digest: string;

  constructor(fields: { readonly [Field in keyof SiblingValue]: SiblingValue[Field] }) {
    this.address = fields.address;
    this.provider = fields.provider;
    this.payment = fields.payment;
    this.submittedAt = fields.submittedAt;
    this.digest = fields.digest;
  }
}
