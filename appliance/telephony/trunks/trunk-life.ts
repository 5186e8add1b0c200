// What happens on a trunk besides calls: its registration and its health, and what the house is told about them.
import type { Clock } from '#appliance/kernel/clock.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import { newCallId, newTag, type SipResponse, type SipStack, type SipUri } from '../sip/index.ts';
import { Health } from './health.ts';
import { Registration } from './registration.ts';
import type { TrunkStatusRow } from './status-store.ts';
import { hostOf, type Trunk } from './trunk.ts';

export interface TrunkState {
  up: boolean;
  detail: string;
  roundTripMs: number | null;
  registeredUntil: Date | null;
  since: Date;
}

/** What a trunk asks of the SIP stack: a request outside of dialogs and its final response. */
export type TrunkSip = Pick<SipStack, 'request'>;

export interface TrunkLifeOptions {
  sip: TrunkSip;
  clock: Clock;
  log: Log;
  instance: string;
  changed(trunkId: string, up: boolean): void;
  saveStatus(row: TrunkStatusRow): Promise<void>;
}

const ASK_WITHIN_MS = 8_000;

export class TrunkLife {
  readonly trunk: Trunk;
  readonly #options: TrunkLifeOptions;
  readonly #registration: Registration | undefined;
  readonly #health: Health | undefined;
  #since: Date;
  #up: boolean;
  #stopped = false;
  // RFC 3261 §10.2: one Call-ID for all registrations, CSeq growing; a challenge takes one more.
  readonly #callId = newCallId();
  readonly #tag = newTag();
  #seq = 0;

  constructor(trunk: Trunk, options: TrunkLifeOptions) {
    this.trunk = trunk;
    this.#options = options;
    this.#since = options.clock.now();
    const { row } = trunk;
    if (row.enabled && row.kind === 'registration') {
      this.#registration = new Registration({
        clock: options.clock,
        register: (expiresS) => this.#register(expiresS),
        changed: () => this.#told(),
      });
    }
    if (row.enabled && row.optionsIntervalS > 0) {
      this.#health = new Health({
        clock: options.clock,
        intervalS: row.optionsIntervalS,
        ask: () => this.#ask(),
        changed: () => this.#told(),
        checked: () => this.#save(),
      });
    }
    this.#up = this.state.up;
  }

  get state(): TrunkState {
    const registration = this.#registration?.state;
    const health = this.#health?.state;
    const up = this.trunk.row.enabled && (registration?.registered ?? true) && (health?.up ?? true);
    const detail = !this.trunk.row.enabled
      ? 'switched off'
      : registration && !registration.registered
        ? registration.detail
        : (health?.detail ?? registration?.detail ?? 'not watched');
    return {
      up,
      detail,
      roundTripMs: health?.roundTripMs ?? null,
      registeredUntil: registration?.until ?? null,
      since: this.#since,
    };
  }

  start(): void {
    this.#registration?.start();
    this.#health?.start();
    this.#save();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#health?.stop();
    await this.#registration?.stop();
  }

  witness(answered: boolean): void {
    this.#health?.witness(answered);
  }

  #register(expiresS: number): Promise<SipResponse> {
    const { row } = this.trunk;
    const uri = registrarOf(this.trunk);
    const account: SipUri = { scheme: 'sip', user: row.username ?? '', host: row.realm ?? uri.host };
    this.#seq += 2;
    return this.#options.sip.request({
      method: 'REGISTER',
      uri,
      to: { uri: account },
      from: { uri: account },
      contact: { user: row.username ?? '' },
      callId: this.#callId,
      fromTag: this.#tag,
      cseq: this.#seq,
      headers: [['Expires', String(expiresS)]],
      ...(this.trunk.credentials ? { credentials: this.trunk.credentials } : {}),
    });
  }

  async #ask(): Promise<number> {
    const { row } = this.trunk;
    const target: SipUri = { ...registrarOf(this.trunk), host: row.host, ...(row.port ? { port: row.port } : {}) };
    const from: SipUri = { scheme: 'sip', user: row.username ?? 'strongroom', host: row.realm ?? row.host };
    const response = await this.#options.sip.request({
      method: 'OPTIONS',
      uri: target,
      to: { uri: target },
      from: { uri: from },
      timeoutMs: ASK_WITHIN_MS,
    });
    return response.status;
  }

  #told(): void {
    const { up, detail } = this.state;
    if (up !== this.#up) {
      this.#up = up;
      this.#since = this.#options.clock.now();
      this.#options.log[up ? 'info' : 'warn'](
        { trunk: this.trunk.row.name, detail },
        up ? 'trunk is up' : 'trunk is down',
      );
      if (!this.#stopped) this.#options.changed(this.trunk.id, up);
    }
    this.#save();
  }

  #save(): void {
    if (this.#stopped) return;
    const { up, detail, roundTripMs, registeredUntil, since } = this.state;
    const row = {
      trunkId: this.trunk.id,
      instance: this.#options.instance,
      up,
      detail,
      roundTripMs,
      registeredUntil,
      since,
      checkedAt: this.#options.clock.now(),
    };
    this.#options.saveStatus(row).catch(() => {});
  }
}

function registrarOf(trunk: Trunk): SipUri {
  const { row } = trunk;
  const written = row.registrar?.replace(/^sips?:/i, '');
  const port = written ? Number(/:(\d{1,5})$/.exec(written)?.[1] ?? Number.NaN) : Number.NaN;
  return {
    scheme: 'sip',
    host: written ? hostOf(written) : row.host,
    ...(Number.isInteger(port) ? { port } : written === undefined && row.port ? { port: row.port } : {}),
    ...(row.transport === 'udp' ? {} : { params: { transport: row.transport } }),
  };
}
