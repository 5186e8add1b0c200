import { delay } from '#appliance/kernel/async.ts';
import type { Api } from '../../calls/support/api.ts';
import type { Baresip } from '../../calls/support/baresip.ts';
import { Floor } from '../../calls/support/floor.ts';
import type { Instance } from '../../support/instance.ts';

/** Numbers that belong to nobody (ITU-T E.164.3 and NANPA 555-01xx): who calls in the pictures, and under which name. */
const CUSTOMERS: readonly [number: string, name: string | null][] = [
  ['+15550140', 'Harbour office'],
  ['+15550141', 'Bicycle shop'],
  ['+15550142', null],
  ['+15550143', 'North clinic'],
  ['+15550144', 'Post office'],
  ['+15550145', 'School kitchen'],
  ['+15550146', 'City library'],
  ['+15550147', null],
];
const NOTES = [
  'Wants the invoice of October again, by letter.',
  'Delivery was two boxes short; replacement is on its way.',
  'Asked for the opening hours of the workshop.',
  'New contract from January; send the papers to the office.',
];

/** A day at a small contact center, with real calls: so that a picture shows what the product does, not what it might. */
export class Stage {
  readonly floor: Floor;
  readonly #instance: Instance;
  #admin!: Api;
  #desks: Baresip[] = [];
  readonly #callers: Baresip[] = [];

  constructor(instance: Instance) {
    this.#instance = instance;
    this.floor = new Floor(instance);
  }

  /** Customers with names, two agents at desk phones, and some calls that are over. */
  async prepare(): Promise<void> {
    this.#admin = await this.#instance.signIn('admin');
    for (const [number, name] of CUSTOMERS) {
      if (!name) continue;
      const { id } = await this.#admin.post<{ id: string }>('/customers', { name });
      await this.#admin.post(`/customers/${id}/identities`, { kind: 'phone', value: number });
    }
    for (const [username, says] of [
      ['bob', 500],
      ['carol', 700],
    ] as const) {
      this.#desks.push(await this.floor.deskPhone(username, { says, autoAnswer: true }));
      await this.floor.ready(username);
    }
    for (const [index, did] of ['+15550101', '+15550102', '+15550101', '+15550102'].entries())
      await this.#finished(index, did);
    await this.#abandoned(5, '+15550102');
  }

  /** Somebody calls and stays on the line. */
  async calls(index: number, did: string): Promise<Baresip> {
    const caller = await this.floor.caller(CUSTOMERS[index % CUSTOMERS.length]![0], { says: 600 });
    this.#callers.push(caller);
    caller.call(did);
    return caller;
  }

  /** Everybody who is still on the line hangs up. */
  async over(): Promise<void> {
    await Promise.all(this.#callers.splice(0).map((caller) => caller.stop()));
  }

  /** The day ends. */
  async close(): Promise<void> {
    await this.over();
    await this.floor.clear();
  }

  async #finished(index: number, did: string): Promise<void> {
    const caller = await this.calls(index, did);
    const trace = await this.floor.callWith(
      this.#admin,
      CUSTOMERS[index]![0],
      (one) => one.answeredAt !== null,
      20_000,
    );
    await delay(4000 + index * 1500);
    caller.hangUp();
    const agent = await this.#instance.signIn(trace.agentName === 'Bob' ? 'bob' : 'carol');
    await this.#admin.until<{ state: string }>(`/interactions/${trace.id}`, (one) => one.state === 'wrap-up', 10_000);
    await agent.post(`/interactions/${trace.id}/wrap-up`, {
      disposition: index % 2 === 0 ? 'solved' : 'follow-up',
      notes: NOTES[index % NOTES.length],
    });
    await this.over();
  }

  async #abandoned(index: number, did: string): Promise<void> {
    const agents = await Promise.all(['bob', 'carol'].map((name) => this.#instance.signIn(name)));
    for (const agent of agents) await agent.put('/me/presence', { state: 'not-ready', reason: 'break' });
    const caller = await this.calls(index, did);
    await delay(7000);
    caller.hangUp();
    await delay(500);
    for (const agent of agents) await agent.put('/me/presence', { state: 'ready' });
    await this.over();
  }
}
