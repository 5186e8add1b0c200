// The legs of one worker and who hears whom. All changes of one request happen in one go, between two packets.
import { randomInt } from 'node:crypto';
import type { LegStats, MediaEvents } from './api.ts';
import { DigitSender } from './digits/sender.ts';
import { PCMA, PCMU } from './g711.ts';
import { Leg, type LegHost, type LegSettings } from './leg.ts';
import type { LegTable } from './leg-table.ts';
import { Mix } from './mixer.ts';
import { monoMs } from './mono.ts';
import { Player } from './player.ts';
import type { Prompt, Prompts } from './prompts.ts';
import type { HearRequest } from './protocol.ts';
import type { Ring } from './ring.ts';
import type { Scheduler } from './scheduler.ts';
import type { UdpPort } from './transport.ts';

export interface SettingsRequest {
  codec?: 'PCMA' | 'PCMU' | undefined;
  telephoneEvent?: number | undefined;
  remote?: { address: string; port: number } | undefined;
  strict?: boolean | undefined;
  rtcpMux?: boolean | undefined;
  relatch?: boolean | undefined;
}

export type RouteRequest = { leg: string; hear: HearRequest };

export interface SwitchboardDeps {
  table: LegTable;
  ring: Ring;
  prompts: Prompts;
  scheduler: Scheduler;
  /** The RTP and RTCP ports of a slot, open already. */
  ports(slot: number): { rtp: UdpPort; rtcp: UdpPort | undefined };
  tell<K extends keyof MediaEvents>(event: K, data: MediaEvents[K]): void;
}

export class Switchboard {
  readonly #deps: SwitchboardDeps;
  readonly #legs = new Map<string, Leg>();
  readonly #mixes = new Map<string, Mix>();
  readonly #mixOf = new Map<Leg, Mix>();
  readonly #senders = new Map<Leg, DigitSender>();
  readonly #routeSerial = new Map<string, number>();
  readonly #unproven = new Set<Leg>();
  #watching = false;
  #serial = 0;
  readonly #host: LegHost;

  constructor(deps: SwitchboardDeps) {
    this.#deps = deps;
    this.#host = {
      ring: deps.ring,
      tell: (event, data) => {
        if (event === 'latched') this.#watch(this.#need((data as MediaEvents['latched']).leg));
        deps.tell(event, data);
      },
      mixed: (leg, m, offset, end, seq) => this.#mixOf.get(leg)?.audio(leg, m, offset, end, seq),
    };
  }

  get size(): number {
    return this.#legs.size;
  }

  create(id: string, slot: number, settings: SettingsRequest): void {
    let leg = this.#legs.get(id);
    if (!leg) {
      leg = this.#open(id, slot);
      leg.fresh(randomInt(1, 2 ** 32), randomInt(0, 2 ** 15), randomInt(0, 2 ** 32));
    }
    leg.configure(legSettings(settings));
  }

  /** @param afterCrash of a former process; else of another worker. */
  restore(id: string, slot: number, afterCrash: boolean): void {
    this.#open(id, slot).restore(monoMs(), afterCrash);
  }

  /** Another worker goes on with this leg. */
  handOver(id: string): void {
    const leg = this.#need(id);
    this.#leave(leg, { kind: 'none' });
    leg.outlet.source = undefined;
    this.#forget(leg);
    leg.handOver();
  }

  update(id: string, settings: SettingsRequest): void {
    this.#need(id).configure(legSettings(settings));
  }

  delete(id: string): LegStats | undefined {
    const leg = this.#legs.get(id);
    if (!leg) return undefined;
    for (const listener of [...leg.listeners]) this.#hear(listener, { kind: 'none' }, []);
    this.#hear(leg, { kind: 'none' }, []);
    this.#forget(leg);
    const { stats } = leg;
    leg.close();
    return stats;
  }

  /** Loads the prompts that are wanted, then changes all routes at once. A later request for the same leg wins. */
  async route(routes: RouteRequest[], restored = false): Promise<void> {
    this.#check(routes);
    const serial = ++this.#serial;
    for (const { leg } of routes) this.#routeSerial.set(leg, serial);
    const prompts = await Promise.all(routes.map(({ hear }) => this.#prompts(hear)));
    this.#check(routes); // a leg may have gone while the disk was read
    for (const [i, { leg, hear }] of routes.entries()) {
      if (this.#routeSerial.get(leg) === serial) this.#hear(this.#need(leg), hear, prompts[i]!);
      if (restored && hear.kind === 'leg') this.#need(leg).outlet.restoreMapping(this.#need(hear.leg));
    }
  }

  block(id: string, blocked: boolean): void {
    this.#need(id).block(blocked);
  }

  sendDigits(id: string, digits: string): void {
    const leg = this.#need(id);
    const sending = this.#senders.get(leg);
    if (sending && leg.outlet.overlay === sending) sending.append(digits);
    else {
      const sender = new DigitSender(leg.outlet, digits);
      this.#senders.set(leg, sender);
      this.#deps.scheduler.add(sender);
    }
  }

  record(id: string, recording: number, stream: number): void {
    this.#need(id).record(recording, stream);
  }

  /** Nobody is recorded under this number any more. */
  endRecording(recording: number): void {
    for (const leg of this.#legs.values()) if (leg.tap.recording === recording) leg.record(0, 0);
  }

  stats(id: string): LegStats | undefined {
    return this.#legs.get(id)?.stats;
  }

  /** Once a second. */
  housekeeping(): void {
    const nowMs = monoMs();
    for (const leg of this.#legs.values()) leg.housekeeping(nowMs);
  }

  #open(id: string, slot: number): Leg {
    const { rtp, rtcp } = this.#deps.ports(slot);
    const leg = new Leg(this.#host, this.#deps.table.slot(slot), id, rtp, rtcp);
    this.#legs.set(id, leg);
    return leg;
  }

  #forget(leg: Leg): void {
    this.#senders.delete(leg);
    this.#unproven.delete(leg);
    this.#routeSerial.delete(leg.id);
    leg.outlet.overlay = undefined;
    this.#legs.delete(leg.id);
  }

  #check(routes: RouteRequest[]): void {
    for (const { leg, hear } of routes) {
      this.#need(leg);
      if (hear.kind === 'leg') this.#need(hear.leg);
    }
  }

  #prompts(hear: HearRequest): Promise<Prompt[]> {
    if (hear.kind !== 'play') return Promise.resolve([]);
    return Promise.all(hear.prompts.map((name) => this.#deps.prompts.load(name)));
  }

  #hear(leg: Leg, hear: HearRequest, prompts: Prompt[]): void {
    this.#leave(leg, hear);
    const { outlet } = leg;
    switch (hear.kind) {
      case 'none':
        outlet.source = undefined;
        break;
      case 'leg': {
        const other = this.#need(hear.leg);
        other.listeners.push(leg);
        outlet.source = other;
        break;
      }
      case 'play': {
        const player = new Player(outlet, prompts, hear.loop === true, hear.fromMs ?? 0, () => {
          outlet.source = undefined;
          const token = hear.token === undefined ? {} : { token: hear.token };
          this.#deps.tell('played', { leg: leg.id, ...token });
        });
        outlet.source = player;
        this.#deps.scheduler.add(player);
        break;
      }
      case 'mix': {
        let mix = this.#mixes.get(hear.mix);
        if (!mix) {
          mix = new Mix(hear.mix);
          this.#mixes.set(hear.mix, mix);
          this.#deps.scheduler.add(mix);
        }
        mix.set(leg, hear.hear);
        this.#mixOf.set(leg, mix);
        leg.mixing = true;
        outlet.source = mix;
        break;
      }
    }
  }

  #leave(leg: Leg, next: HearRequest): void {
    const { source } = leg.outlet;
    if (source instanceof Leg) {
      const at = source.listeners.indexOf(leg);
      if (at >= 0) source.listeners.splice(at, 1);
    }
    const mix = this.#mixOf.get(leg);
    if (!mix || (next.kind === 'mix' && next.mix === mix.name)) return;
    mix.remove(leg);
    this.#mixOf.delete(leg);
    leg.mixing = false;
    if (!mix.alive) this.#mixes.delete(mix.name);
  }

  #watch(leg: Leg): void {
    if (!this.#watching) this.#deps.scheduler.add({ tick: (nowMs) => this.#prove(nowMs) });
    this.#watching = true;
    this.#unproven.add(leg);
  }

  #prove(nowMs: number): boolean {
    for (const leg of this.#unproven) if (leg.proveKernelFilter(nowMs)) this.#unproven.delete(leg);
    this.#watching = this.#unproven.size > 0;
    return this.#watching;
  }

  #need(id: string): Leg {
    const leg = this.#legs.get(id);
    if (!leg) throw new Error(`no leg ${id}`);
    return leg;
  }
}

function legSettings(request: SettingsRequest): LegSettings {
  const settings: LegSettings = {};
  if (request.codec) settings.codec = request.codec === 'PCMA' ? PCMA : PCMU;
  if (request.telephoneEvent !== undefined) settings.telephoneEvent = request.telephoneEvent;
  if (request.remote) settings.remote = request.remote;
  if (request.strict !== undefined) settings.strict = request.strict;
  if (request.rtcpMux !== undefined) settings.rtcpMux = request.rtcpMux;
  if (request.relatch) settings.relatch = true;
  return settings;
}
