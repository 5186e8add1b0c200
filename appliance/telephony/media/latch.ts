// Which address a leg listens to. The SDP announces one; behind NAT the party sends from another.

export type Verdict = 'known' | 'lock' | 'stray';
const PROBATION_PACKETS = 3;

export class Latch {
  /** Locked: only this address is heard. Open: sends to `address`, listens for who sends. */
  locked = false;
  address = '';
  port = 0;
  announced = '';
  announcedPort = 0;
  /** Trunks: never anybody else than announced. */
  strict = false;
  #candidate = '';
  #candidatePort = 0;
  #candidateCount = 0;

  announce(address: string, port: number): void {
    this.announced = this.address = address;
    this.announcedPort = this.port = port;
    this.open();
  }

  /** Goes on sending to the known address, listens to all again. */
  open(): void {
    this.locked = false;
    this.#candidateCount = 0;
  }

  lock(address: string, port: number): void {
    this.locked = true;
    this.address = address;
    this.port = port;
  }

  /** @param plausible the packet is RTP of a negotiated payload type. */
  judge(address: string, port: number, plausible: boolean): Verdict {
    if (this.locked) return port === this.port && address === this.address ? 'known' : 'stray';
    if (!plausible) return 'stray';
    if (address === this.announced) return 'lock'; // the announced host wins at once, from whatever port
    if (this.strict && this.announced !== '') return 'stray';
    // Somebody else: only when consistent over several packets, so that one stray packet does not take the call.
    if (address === this.#candidate && port === this.#candidatePort) this.#candidateCount++;
    else {
      this.#candidate = address;
      this.#candidatePort = port;
      this.#candidateCount = 1;
    }
    return this.#candidateCount >= PROBATION_PACKETS ? 'lock' : 'stray';
  }
}
