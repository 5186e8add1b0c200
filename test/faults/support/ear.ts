import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { delay } from '#appliance/kernel/async.ts';
import { Party } from '#appliance/telephony/calls/testing/party.ts';
import type { Instance } from '#test/support/instance.ts';

const SALES = '+15550101';
const EAR_PORT = 640;
const NEW_CALL_PORT = 654;
/** A BYE may have to be repeated. */
const GOODBYE_MS = 1500;
const TAKE_EVERY_MS = 1000;

/** One caller among all, who talks to an agent and writes down when there was something to hear. */
export class Ear {
  readonly #party: Party;
  /** When packets came, in milliseconds of performance.now(). */
  #at: number[] = [];
  readonly #timer: NodeJS.Timeout;

  private constructor(party: Party) {
    this.#party = party;
    this.#timer = setInterval(() => this.#take(), TAKE_EVERY_MS);
  }

  /** Its number is +1555700…: nobody counts it among the load. */
  static async call(instance: Instance): Promise<Ear> {
    const party = await partyAt(instance, 0);
    await party.talk(SALES, instance.sipPort).catch(async (error) => {
      await party.stop();
      throw error;
    });
    return new Ear(party);
  }

  /** The longest time without a packet between two moments, and how long after the first it began. */
  silence(from: number, to: number): { ms: number; afterS: number } {
    this.#take();
    const heard = this.#at.filter((at) => at >= from && at <= to);
    const marks = [from, ...heard, to];
    let longest = 1;
    for (let i = 1; i < marks.length; i++)
      if (marks[i]! - marks[i - 1]! > marks[longest]! - marks[longest - 1]!) longest = i;
    return {
      ms: Math.round(marks[longest]! - marks[longest - 1]!),
      afterS: Math.round((marks[longest - 1]! - from) / 100) / 10,
    };
  }

  /** The call was ended by the far end. */
  get lost(): boolean {
    return this.#party.ends.length > 0;
  }

  async hangUp(): Promise<void> {
    clearInterval(this.#timer);
    this.#party.dialog?.bye();
    await delay(GOODBYE_MS);
    await this.#party.stop();
  }

  #take(): void {
    for (const { atMs } of this.#party.mouth.heard) this.#at.push(atMs);
    this.#party.mouth.clear();
  }
}

/** At the first of a few ports that nobody has: the one of the stage before is let go a moment late. */
async function partyAt(instance: Instance, attempt: number): Promise<Party> {
  const party = new Party('+15557001', instance.port(EAR_PORT + attempt), 600);
  try {
    return await party.start();
  } catch (error) {
    await party.stop().catch(() => {});
    if (attempt >= 9) throw error;
    return partyAt(instance, attempt + 1);
  }
}

export interface Answer {
  /** Undefined when there was none in time. */
  status: number | undefined;
  retryAfter: string | undefined;
  tookMs: number;
}

/** Somebody calls now: what is he told, and when? A call that is answered is ended at once. */
export async function newCall(instance: Instance, withinMs = 20_000, to = SALES): Promise<Answer> {
  const port = instance.port(NEW_CALL_PORT);
  const socket = createSocket('udp4');
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  const startedAt = performance.now();
  const id = `new-${Math.round(startedAt * 1000)}`;
  const body = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n';
  const head = (method: string, branch: string, tag = '') =>
    [
      `${method} sip:${to}@127.0.0.1:${instance.sipPort} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${branch}`,
      `From: <sip:+15557002@127.0.0.1>;tag=${id}`,
      `To: <sip:${to}@127.0.0.1>${tag}`,
      `Call-ID: ${id}@127.0.0.1`,
      `CSeq: ${method === 'BYE' ? 2 : 1} ${method}`,
      `Contact: <sip:+15557002@127.0.0.1:${port}>`,
      'Max-Forwards: 70',
    ].join('\r\n');
  const send = (text: string) => socket.send(text, instance.sipPort, '127.0.0.1');
  const invite = `${head('INVITE', id)}\r\nContent-Type: application/sdp\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  // RFC 3261 §17.1.1.2: until somebody answers, doubling.
  let timer: NodeJS.Timeout | undefined;
  const repeat = (ms: number): void => {
    send(invite);
    timer = setTimeout(() => repeat(Math.min(ms * 2, 4000)), ms);
  };
  try {
    return await new Promise<Answer>((resolve) => {
      const late = setTimeout(() => {
        send(`${head('CANCEL', id)}\r\nContent-Length: 0\r\n\r\n`);
        resolve({ status: undefined, retryAfter: undefined, tookMs: withinMs });
      }, withinMs);
      socket.on('message', (data) => {
        const text = data.toString();
        clearTimeout(timer);
        const status = Number(/^SIP\/2\.0 (\d+)/.exec(text)?.[1]);
        if (!(status >= 200)) return;
        clearTimeout(late);
        const tag = /^To:[^\r]*(;tag=[^;\r]+)/im.exec(text)?.[1] ?? '';
        if (status < 300) {
          send(`${head('ACK', `${id}a`, tag)}\r\nContent-Length: 0\r\n\r\n`);
          send(`${head('BYE', `${id}b`, tag)}\r\nContent-Length: 0\r\n\r\n`);
        } else send(`${head('ACK', id, tag)}\r\nContent-Length: 0\r\n\r\n`);
        const retryAfter = /^Retry-After:\s*(\d+)/im.exec(text)?.[1];
        resolve({ status, retryAfter, tookMs: Math.round(performance.now() - startedAt) });
      });
      repeat(500);
    });
  } finally {
    clearTimeout(timer);
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.close();
  }
}
