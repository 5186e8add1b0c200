import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InteractionTrace, RecordingView } from '#appliance/contract/work.ts';
import type { Instance } from '#test/support/instance.ts';
import type { Api } from './api.ts';
import { Baresip } from './baresip.ts';
import { Sipp } from './sipp.ts';
import { readWav, writeTone } from './tones.ts';

/** Ports of one baresip: SIP (and TLS one above), control, ten for RTP. */
const PHONE_PORTS = 14;

/** Phones and callers around one instance, so that a test reads like what happens on the floor. */
export class Floor {
  readonly instance: Instance;
  readonly #phones: Baresip[] = [];
  readonly #sipps: Sipp[] = [];
  readonly #ids = new Map<string, string>();
  #used = 0;

  constructor(instance: Instance) {
    this.instance = instance;
  }

  /** The agent's desk phone, registered. */
  async deskPhone(username: 'bob' | 'carol', options: { says: number; autoAnswer?: boolean }): Promise<Baresip> {
    const { extension, sipPassword } = this.instance.firstRun.users[username]!;
    const phone = await this.#phone({
      ...options,
      account: `<sip:${extension}@127.0.0.1:${this.instance.sipPort}>;auth_user=${extension};auth_pass=${sipPassword};regint=300`,
    });
    await phone.registered();
    return phone;
  }

  /** Somebody outside, calling in over the lab trunk. */
  async caller(
    number: string,
    options: { says: number; autoAnswer?: boolean },
  ): Promise<Baresip & { call(did: string): void }> {
    const phone = await this.#phone({ ...options, account: `<sip:${number}@127.0.0.1>;regint=0` });
    const { sipPort } = this.instance;
    return Object.assign(phone, { call: (did: string) => phone.dial(`sip:${did}@127.0.0.1:${sipPort}`) });
  }

  /** Signs the agent in and says ready. */
  async ready(username: string): Promise<Api> {
    const api = await this.instance.signIn(username);
    await api.put('/me/presence', { state: 'ready' });
    return api;
  }

  /** One more phone of somebody: a registered one, whoever they are. */
  async extraPhone(admin: Api, username: string, options: { says: number; autoAnswer?: boolean }): Promise<Baresip> {
    const { extension } = this.instance.firstRun.users[username]!;
    const { phone, password } = await admin.post<{ phone: { username: string }; password: string }>('/phones', {
      label: `${username}, one more`,
      kind: 'sip',
      extension,
      agentId: await this.idOf(username),
    });
    const baresip = await this.#phone({
      ...options,
      account: `<sip:${phone.username}@127.0.0.1:${this.instance.sipPort}>;auth_user=${phone.username};auth_pass=${password};regint=300`,
    });
    await baresip.registered();
    return baresip;
  }

  /** A trunk of our own to somebody outside who can be called. */
  async trunkTo(admin: Api, phone: Baresip, position = 0): Promise<{ id: string }> {
    const { id } = await admin.post<{ id: string }>('/trunks', {
      name: `to ${phone.sipPort}`,
      host: '127.0.0.1',
      port: phone.sipPort,
      optionsIntervalS: 0,
      position,
    });
    // In service once the process that has the calls says so.
    await admin.until<{ instances: { up: boolean }[] }>(`/trunks/${id}/status`, ({ instances }) =>
      instances.some(({ up }) => up),
    );
    return { id };
  }

  /** A queue's own music: one tone, so that it can be told from everything else. Returns the prompt's id. */
  async toneAsPrompt(admin: Api, name: string, hz: number, seconds = 5): Promise<string> {
    const dir = mkdtempSync(join(tmpdir(), 'tone-'));
    try {
      writeTone(join(dir, 'tone.wav'), hz, seconds);
      const { status, body } = await admin.upload(
        `/prompts/upload?name=${name}&language=*`,
        readFileSync(join(dir, 'tone.wav')),
        'audio/wav',
      );
      if (status !== 201) throw new Error(`prompt: ${status} ${body}`);
      return (JSON.parse(body.toString()) as { id: string }).id;
    } finally {
      rmSync(dir, { recursive: true });
    }
  }

  /** A phone or carrier by sipp, at a port of its own; a phone when `username` says whose it is. */
  async sipp(
    scenario: string,
    options: { to?: boolean; service?: string; phoneOf?: string; admin?: Api } = {},
  ): Promise<Sipp & { port: number; unplug(): Promise<void> }> {
    const port = this.port();
    let phone: { id: string } | undefined;
    if (options.phoneOf)
      ({ phone } = await options.admin!.post<{ phone: { id: string } }>('/phones', {
        label: scenario,
        kind: 'fixed',
        fixedHost: '127.0.0.1',
        fixedPort: port,
        agentId: await this.idOf(options.phoneOf),
      }));
    const sipp = new Sipp(scenario, {
      port,
      mediaPort: port + 4,
      ...(options.to === false ? {} : { to: this.instance.sipPort }),
      ...(options.service ? { service: options.service } : {}),
    });
    this.#sipps.push(sipp);
    return Object.assign(sipp, {
      port,
      unplug: async () => {
        if (phone) await options.admin!.remove(`/phones/${phone.id}`);
      },
    });
  }

  /** Ports of one counterpart, fresh ones each time: nothing of a former one is still on its way there. */
  port(): number {
    return this.instance.port(700 + (this.#used++ % 80) * PHONE_PORTS);
  }

  async idOf(username: string): Promise<string> {
    const known = this.#ids.get(username);
    if (known) return known;
    const { user } = await (await this.instance.signIn(username)).get<{ user: { id: string } }>('/me');
    this.#ids.set(username, user.id);
    return user.id;
  }

  /** The latest call with somebody, once `test` is true of it. */
  async callWith(
    api: Api,
    number: string,
    test: (trace: InteractionTrace) => boolean = () => true,
    timeoutMs = 10_000,
  ): Promise<InteractionTrace> {
    type Page = { items: { id: string; channel: string; from: string; to: string }[] };
    const ours = ({ items }: Page) =>
      items.find(({ channel, from, to }) => channel === 'voice' && (from === number || to === number));
    const page = await api.until<Page>('/interactions?limit=30', (answer) => ours(answer) !== undefined, timeoutMs);
    return api.until<InteractionTrace>(`/interactions/${ours(page)!.id}`, test, timeoutMs);
  }

  /** The newest interaction that this agent or supervisor may see. */
  async newest(api: Api, test: (trace: InteractionTrace) => boolean, timeoutMs = 10_000): Promise<InteractionTrace> {
    const { items } = await api.until<{ items: { id: string }[] }>(
      '/interactions?limit=1',
      ({ items }) => items.length > 0,
      timeoutMs,
    );
    return api.until<InteractionTrace>(`/interactions/${items[0]!.id}`, test, timeoutMs);
  }

  /** A recording's audio as the API gives it, decoded: left the customer, right everybody else. */
  async listen(api: Api, recording: RecordingView): Promise<{ rate: number; left: Int16Array; right: Int16Array }> {
    const { status, body } = await api.bytes(`/recordings/${recording.id}/audio`);
    if (status >= 300) throw new Error(`recording: ${status} ${body}`);
    const dir = mkdtempSync(join(tmpdir(), 'listen-'));
    try {
      writeFileSync(join(dir, 'a.ogg'), body);
      const { status: code, stderr } = spawnSync('ffmpeg', [
        '-v',
        'error',
        '-i',
        join(dir, 'a.ogg'),
        '-ar',
        '8000',
        join(dir, 'a.wav'),
      ]);
      if (code !== 0) throw new Error(`ffmpeg: ${stderr}`);
      const { rate, channels } = readWav(join(dir, 'a.wav'));
      if (channels.length !== 2) throw new Error(`a recording with ${channels.length} channels`);
      return { rate, left: channels[0]!, right: channels[1]! };
    } finally {
      rmSync(dir, { recursive: true });
    }
  }

  /** Stays when the floor is cleared; whoever keeps it stops it. */
  keep<P extends Baresip>(phone: P): P {
    this.#phones.splice(this.#phones.indexOf(phone), 1);
    return phone;
  }

  /** Everybody hangs up and is unplugged. */
  async clear(): Promise<void> {
    for (const sipp of this.#sipps.splice(0)) sipp.stop();
    await Promise.all(this.#phones.splice(0).map((phone) => phone.stop()));
  }

  async #phone(options: { says: number; account: string; autoAnswer?: boolean }): Promise<Baresip> {
    const base = this.port();
    const phone = new Baresip({ sipPort: base, controlPort: base + 2, rtpPorts: [base + 4, base + 13], ...options });
    this.#phones.push(phone);
    return phone.start();
  }
}
