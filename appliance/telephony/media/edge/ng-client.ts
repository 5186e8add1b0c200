// rtpengine's ng control protocol over UDP: cookie, space, bencoded dictionary. A repeated request carries the same cookie, and
// rtpengine answers it from its cache without doing it twice.
import { randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { isIPv6 } from 'node:net';
import { type Bdecoded, type Bencodable, bdecode, bencode } from './bencode.ts';

export type NgReply = { [key: string]: Bdecoded };

const REPEAT_MS = [100, 200, 400, 800];
const MAX_MESSAGE_BYTES = 60_000;

export class NgError extends Error {
  override readonly name = 'NgError';
}

export class NgClient {
  readonly #address: string;
  readonly #port: number;
  readonly #prefix = randomBytes(6).toString('hex');
  readonly #waiting = new Map<string, (reply: NgReply | Error) => void>();
  #socket: dgram.Socket | undefined;
  #n = 0;

  /** @param address host:port, the host numeric. */
  constructor(address: string) {
    const colon = address.lastIndexOf(':');
    this.#address = address.slice(0, colon).replace(/^\[|\]$/g, '') || '127.0.0.1';
    this.#port = Number(address.slice(colon + 1));
    if (!Number.isInteger(this.#port) || this.#port < 1 || this.#port > 65_535)
      throw new Error(`bad ng address ${address}`);
  }

  /** @throws {NgError} when rtpengine refuses, or does not answer in 1.5 s. */
  async command(command: string, fields: Record<string, Bencodable | undefined> = {}): Promise<NgReply> {
    const cookie = `${this.#prefix}_${++this.#n}`;
    const message = Buffer.concat([Buffer.from(`${cookie} `), bencode({ command, ...fields })]);
    if (message.length > MAX_MESSAGE_BYTES) throw new NgError(`${command} is too large for rtpengine`);
    const reply = await this.#ask(cookie, message, command);
    if (reply.result === 'error')
      throw new NgError(`rtpengine ${command}: ${String(reply['error-reason'] ?? 'refused')}`);
    return reply;
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
    for (const settle of [...this.#waiting.values()]) settle(new NgError('edge closed'));
  }

  #ask(cookie: string, message: Buffer, command: string): Promise<NgReply> {
    return new Promise((resolve, reject) => {
      let turn = 0;
      let timer: NodeJS.Timeout;
      const settle = (reply: NgReply | Error) => {
        clearTimeout(timer);
        this.#waiting.delete(cookie);
        if (reply instanceof Error) reject(reply);
        else resolve(reply);
      };
      const send = () => {
        const waitMs = REPEAT_MS[turn++];
        if (waitMs === undefined) {
          settle(new NgError(`rtpengine is away: no answer to ${command}`));
          return;
        }
        timer = setTimeout(send, waitMs);
        this.#open().send(message, this.#port, this.#address);
      };
      this.#waiting.set(cookie, settle);
      send();
    });
  }

  #open(): dgram.Socket {
    if (this.#socket) return this.#socket;
    const socket = dgram.createSocket(isIPv6(this.#address) ? 'udp6' : 'udp4');
    socket.on('message', (m, from) => {
      if (from.port === this.#port && from.address === this.#address) this.#received(m);
    });
    socket.on('error', () => undefined); // refused: the repetition goes on, the time-out tells
    this.#socket = socket;
    return socket;
  }

  #received(m: Buffer): void {
    const space = m.indexOf(0x20);
    const settle = this.#waiting.get(m.toString('latin1', 0, Math.max(0, space)));
    if (!settle) return; // answer to a repeated request, or nothing of ours
    try {
      const reply = bdecode(m.subarray(space + 1));
      if (typeof reply !== 'object' || Array.isArray(reply)) throw new Error('no dictionary');
      settle(reply);
    } catch (error) {
      settle(new NgError('rtpengine answered something that is not ng', { cause: error }));
    }
  }
}
