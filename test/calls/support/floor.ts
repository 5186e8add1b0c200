import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InteractionTrace, RecordingView } from '#appliance/contract/work.ts';
import type { Instance } from '#test/support/instance.ts';
import type { Api } from './api.ts';
import { Baresip } from './baresip.ts';
import { readWav } from './tones.ts';

/** Ports of one baresip: SIP (and TLS one above), control, ten for RTP. */
const PHONE_PORTS = 14;

/** Phones and callers around one instance, so that a test reads like what happens on the floor. */
export class Floor {
  readonly instance: Instance;
  readonly #phones: Baresip[] = [];
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

  /** Everybody hangs up and is unplugged. */
  async clear(): Promise<void> {
    await Promise.all(this.#phones.splice(0).map((phone) => phone.stop()));
  }

  async #phone(options: { says: number; account: string; autoAnswer?: boolean }): Promise<Baresip> {
    // Each new phone gets fresh ports: nothing of a former one is still on its way to it.
    const base = this.instance.port(700 + (this.#used++ % 40) * PHONE_PORTS);
    const phone = new Baresip({ sipPort: base, controlPort: base + 2, rtpPorts: [base + 4, base + 13], ...options });
    this.#phones.push(phone);
    return phone.start();
  }
}
