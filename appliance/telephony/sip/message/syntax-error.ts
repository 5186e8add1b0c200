/** Text that breaks the grammar. `status` is what a request with it deserves. */
export class SipSyntaxError extends Error {
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.name = 'SipSyntaxError';
    this.status = status;
  }
}
