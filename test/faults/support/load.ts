import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { delay } from '#appliance/kernel/async.ts';
import type { Api } from '#test/calls/support/api.ts';
import type { Instance } from '#test/support/instance.ts';
import { Sipp, type SippOptions } from './sipp.ts';

/** So many talk and so many wait while things break. On a machine with more than two cores 20 and 10 are as good. */
export const TALKING = Number(process.env.STRONGROOM_FAULTS_TALKING ?? 6);
export const WAITING = Number(process.env.STRONGROOM_FAULTS_WAITING ?? 6);
export const CALLS = TALKING + WAITING;

const SALES = '+15550101';
const PASSWORD = 'faults-are-part-of-life';
/** Of an agents' sipp from the instance's first own port: SIP, then audio. */
const AGENT_PORT = 700;
const CALLER_PORT = 720;
const AGENT_MEDIA_PORT = 1100;
const SETTLE_MS = 15_000;

/** One round of calls: some talk, some wait; all made by sipp, all with sound in both directions. */
export interface Round {
  /** Its callers' numbers begin so, and nobody else's do. */
  readonly prefix: string;
  readonly callers: Sipp;
  /** Who has an agent, and who waits, the next one first. */
  talking: number[];
  waiting: number[];
  ended: number;
}

/** A floor of agents with desk phones of a fixed address and a queue full of callers. */
export class Load {
  readonly #instance: Instance;
  readonly #dir: string;
  #agents: Sipp | undefined;
  readonly #sipps = new Set<Sipp>();
  #rounds = 0;
  agentIds: string[] = [];
  sam!: Api;

  constructor(instance: Instance) {
    this.#instance = instance;
    this.#dir = join(instance.dir, 'sipp');
    mkdirSync(this.#dir, { recursive: true });
    writeFileSync(join(this.#dir, 'tone.alaw'), tone(440, 2));
  }

  /** Agents, their phones, and the queue as the tests need them: one call each, no wrap-up. `more` agents than the load needs. */
  async prepare(phones: Partial<Pick<SippOptions, 'address' | 'within'>> = {}, more = 0): Promise<this> {
    const admin = await this.#instance.signIn('admin');
    this.sam = await this.#instance.signIn('sam');
    const { items: queues } = await admin.get<{ items: { id: string; name: string; version: number }[] }>('/queues');
    const sales = queues.find(({ name }) => name === 'Sales')!;
    await admin.patch(`/queues/${sales.id}`, { wrapUp: 'none' }, { 'if-match': `"${sales.version}"` });
    const sipPort = this.#instance.port(AGENT_PORT);
    this.#agents = this.#sipp({
      scenario: 'agent',
      name: 'agents',
      sipPort,
      mediaPort: this.#instance.port(AGENT_MEDIA_PORT),
      args: [],
      ...phones,
    });
    this.agentIds = await Promise.all(
      Array.from({ length: TALKING + more }, async (_, index) => {
        const username = `agent${index + 1}`;
        const { id } = await admin.post<{ id: string }>('/users', {
          username,
          displayName: `Agent ${index + 1}`,
          role: 'agent',
          password: PASSWORD,
        });
        await admin.post('/agents', { userId: id, extension: String(2001 + index) });
        await admin.post('/phones', {
          label: `Phone of ${username}`,
          kind: 'fixed',
          agentId: id,
          extension: String(2001 + index),
          username,
          fixedHost: phones.address ?? '127.0.0.1',
          fixedPort: sipPort,
        });
        return id;
      }),
    );
    await admin.put(`/queues/${sales.id}/agents`, {
      items: this.agentIds.map((agentId) => ({ agentId, position: 1 })),
    });
    await delay(500); // the configuration reaches the router over the bus
    for (const id of this.agentIds) await this.sam.put(`/agents/${id}/presence`, { state: 'ready' });
    return this;
  }

  /** Everybody calls; resolves when some talk and the rest wait. */
  async begin(talking = TALKING, waiting = WAITING): Promise<Round> {
    const number = ++this.#rounds;
    const prefix = `+1555${8 + (number % 2)}${number % 10}00`;
    const sipPort = this.#instance.port(CALLER_PORT) + (number % 8);
    const callers = this.#sipp({
      scenario: 'caller',
      name: `callers${number}`,
      sipPort,
      mediaPort: this.#instance.port(CALLER_PORT + 10 + (number % 4) * 80),
      args: [
        `127.0.0.1:${this.#instance.sipPort}`,
        ...['-s', SALES, '-m', talking + waiting, '-r', 10, '-key', 'prefix', prefix],
      ],
    });
    const numbers = Array.from({ length: talking + waiting }, (_, index) => index + 1);
    const round = { prefix, callers, talking: numbers.slice(0, talking), waiting: numbers.slice(talking), ended: 0 };
    await this.until(round, { active: talking, waiting });
    return round;
  }

  /** How many calls of the round are in each state now, from the database. */
  async states(round: Round): Promise<Record<string, number>> {
    const { rows } = await this.#instance.db.raw<{ rows: { state: string; count: number }[] }>(
      `select state, count(*) as count from interaction where starts_with(from_address, ?) group by state`,
      [round.prefix],
    );
    return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]));
  }

  /** Waits until the round's calls stand so. */
  async until(round: Round, wanted: Record<string, number>, withinMs = SETTLE_MS): Promise<void> {
    const end = Date.now() + withinMs;
    for (;;) {
      const now = await this.states(round).catch((error: unknown) => ({ error: String(error) }));
      if (Object.entries(wanted).every(([state, count]) => ((now as Record<string, number>)[state] ?? 0) === count))
        return;
      if (Date.now() > end)
        throw new Error(
          `Calls are ${JSON.stringify(now)}, wanted ${JSON.stringify(wanted)}; ${round.callers.complaints}\n${this.#agents?.complaints}\n${this.#instance.logs()}`,
        );
      await delay(100);
    }
  }

  /** What no party should have seen: a call that ended by itself, a message nobody expected. */
  complaints(round: Round): string {
    return round.callers.complaints + (this.#agents?.complaints ?? '');
  }

  /**
   * Those who talk hang up, those who waited get the agents in the order in which they came, talk for a moment, and hang up.
   * Says what went wrong.
   */
  async end(round: Round): Promise<string> {
    while (round.talking.length > 0) {
      await this.hangUp(round, round.talking);
      await this.stands(round);
      await delay(300);
    }
    const wrong = await round.callers.finished(SETTLE_MS);
    this.#sipps.delete(round.callers);
    return wrong;
  }

  /** These hang up; for each who talked, the next who waits gets the agent. Resolves before anything has happened. */
  async hangUp(round: Round, numbers: number[]): Promise<void> {
    await round.callers.hangUp(numbers);
    round.ended += numbers.length;
    round.talking = round.talking.filter((number) => !numbers.includes(number));
    round.waiting = round.waiting.filter((number) => !numbers.includes(number));
    round.talking.push(...round.waiting.splice(0, TALKING - round.talking.length));
  }

  /** Waits until the product sees the round as it is. */
  stands(round: Round, withinMs = SETTLE_MS): Promise<void> {
    const { talking, waiting, ended } = round;
    return this.until(round, { active: talking.length, waiting: waiting.length, ended }, withinMs);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sipps].map((sipp) => sipp.stop()));
  }

  #sipp(options: Omit<SippOptions, 'dir'>): Sipp {
    const sipp = new Sipp({ dir: this.#dir, ...options });
    this.#sipps.add(sipp);
    return sipp;
  }
}

/** Raw A-law, 8 kHz, so many seconds of a tone. */
function tone(hertz: number, seconds: number): Buffer {
  const out = Buffer.alloc(8000 * seconds);
  for (let i = 0; i < out.length; i++) out[i] = alaw(Math.round(8000 * Math.sin((2 * Math.PI * hertz * i) / 8000)));
  return out;
}

/** ITU-T G.711. */
function alaw(sample: number): number {
  const sign = sample >= 0 ? 0x80 : 0;
  const size = Math.min(32_635, sample >= 0 ? sample : -sample - 1);
  let exponent = 7;
  for (let mask = 0x4000; exponent > 0 && !(size & mask); mask >>= 1) exponent--;
  const mantissa = exponent === 0 ? (size >> 4) & 0x0f : (size >> (exponent + 3)) & 0x0f;
  return (sign | (exponent << 4) | mantissa) ^ 0x55;
}
