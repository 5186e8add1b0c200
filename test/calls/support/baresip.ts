import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { delay } from '#appliance/kernel/async.ts';
import { readWav, secondsOfSound, secondsOfTone, writeTone } from './tones.ts';

type Event = { event: true; type: string; class: string; peeruri?: string; param?: string };

/** A SIP phone by somebody else (baresip): says one tone, writes down what it hears. */
export class Baresip {
  readonly dir = mkdtempSync(join(tmpdir(), 'baresip-'));
  readonly events: Event[] = [];
  /** What it printed. */
  log = '';
  #child: ChildProcess | undefined;
  #control: Socket | undefined;
  readonly #options: {
    sipPort: number;
    controlPort: number;
    rtpPorts: [number, number];
    says: number;
    account: string;
    autoAnswer: boolean;
    modules: string[];
  };

  constructor(options: {
    sipPort: number;
    controlPort: number;
    rtpPorts: [number, number];
    /** The tone it says, Hz. */
    says: number;
    /** Address of record with parameters, e.g. `<sip:1002@127.0.0.1:5060>;auth_user=1002;auth_pass=x`. */
    account: string;
    autoAnswer?: boolean;
    /** More of its modules, e.g. `mwi.so`. */
    modules?: string[];
  }) {
    this.#options = { autoAnswer: false, modules: [], ...options };
  }

  async start(): Promise<this> {
    const { sipPort, controlPort, rtpPorts, says, account, autoAnswer, modules } = this.#options;
    mkdirSync(join(this.dir, 'heard'));
    writeTone(join(this.dir, 'says.wav'), says, 120);
    writeFileSync(
      join(this.dir, 'config'),
      [
        `sip_listen 127.0.0.1:${sipPort}`,
        'audio_player aufile,/dev/null',
        `audio_source aufile,${join(this.dir, 'says.wav')}`,
        `audio_alert aufile,/dev/null`,
        'audio_channels 1',
        'ausrc_srate 8000',
        'auplay_srate 8000',
        `rtp_ports ${rtpPorts[0]}-${rtpPorts[1]}`,
        'call_max_calls 8',
        'module_path /usr/lib/baresip/modules',
        'module g711.so',
        'module aufile.so',
        'module sndfile.so',
        `snd_path ${join(this.dir, 'heard')}`,
        'module_app account.so',
        ...modules.map((module) => `module_app ${module}`),
        'module_app menu.so',
        'module_app ctrl_tcp.so',
        `ctrl_tcp_listen 127.0.0.1:${controlPort}`,
        'net_interface 127.0.0.1',
        '',
      ].join('\n'),
    );
    writeFileSync(
      join(this.dir, 'accounts'),
      `${account};audio_codecs=pcma;dtmfmode=rtpevent${autoAnswer ? ';answermode=auto' : ''}\n`,
    );
    writeFileSync(join(this.dir, 'contacts'), '');
    this.#child = spawn('baresip', ['-f', this.dir], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout?.on('data', (data) => {
      this.log += data;
    });
    this.#child.stderr?.on('data', (data) => {
      this.log += data;
    });
    for (let tries = 0; ; tries++) {
      try {
        this.#control = await open(controlPort);
        break;
      } catch (error) {
        if (tries > 100 || this.#child.exitCode !== null)
          throw new Error(`baresip does not start:\n${this.log}`, { cause: error });
        await delay(50);
      }
    }
    this.#read(this.#control);
    return this;
  }

  get sipPort(): number {
    return this.#options.sipPort;
  }

  get output(): string {
    return this.events.map((event) => event.type).join(' ');
  }

  command(command: string, params = ''): void {
    const text = JSON.stringify({ command, params, token: 't' });
    this.#control?.write(`${Buffer.byteLength(text)}:${text},`);
  }

  dial(uri: string): void {
    this.command('dial', uri);
  }
  answer(): void {
    this.command('accept');
  }
  hangUp(): void {
    this.command('hangup');
  }
  /** RFC 4733 digits, one after another. */
  async press(digits: string): Promise<void> {
    for (const digit of digits) {
      this.command('sndcode', digit);
      await delay(250);
    }
  }
  transfer(uri: string): void {
    this.command('transfer', uri);
  }
  hold(): void {
    this.command('hold');
  }
  resume(): void {
    this.command('resume');
  }

  /** The digits that were pressed on the other side, so far. */
  get digits(): string {
    return this.events
      .filter(({ type, param }) => type === 'CALL_DTMF_START' && param)
      .map(({ param }) => param)
      .join('');
  }

  /** Waits until an event of `type` (e.g. CALL_INCOMING, CALL_ESTABLISHED, CALL_CLOSED, REGISTER_OK) has come, the n-th one. */
  async until(type: string, timeoutMs = 10_000, nth = 1): Promise<Event> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const found = this.events.filter((event) => event.type === type)[nth - 1];
      if (found) return found;
      if (Date.now() > end) throw new Error(`baresip: no ${type} within ${timeoutMs} ms; had: ${this.output}`);
      await delay(20);
    }
  }

  /** Its registration was accepted; that may be before it could tell us, so its log counts too. */
  async registered(timeoutMs = 10_000): Promise<void> {
    const end = Date.now() + timeoutMs;
    while (!/200 OK .*\[\d+ binding/.test(this.log)) {
      if (Date.now() > end) throw new Error(`baresip does not register:\n${this.log}`);
      await delay(20);
    }
  }

  /** Seconds in which it heard `hz`, over all its calls. Files are complete once the call has ended. */
  heard(hz: number): number {
    return this.#files('dec').reduce((sum, file) => {
      const wav = readWav(file);
      return sum + secondsOfTone(wav.channels[0]!, wav.rate, hz);
    }, 0);
  }

  /** Seconds in which it heard anything at all. */
  heardSound(): number {
    return this.#files('dec').reduce((sum, file) => {
      const wav = readWav(file);
      return sum + secondsOfSound(wav.channels[0]!, wav.rate);
    }, 0);
  }

  #files(kind: 'dec' | 'enc'): string[] {
    return readdir(join(this.dir, 'heard')).filter((file) => file.includes(kind));
  }

  /** As a power cut: nobody is told. */
  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.#control?.destroy();
    const child = this.#child;
    if (child && child.exitCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await Promise.race([gone, delay(2000)]);
      child.kill('SIGKILL');
    }
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Netstrings of JSON (baresip's ctrl_tcp). */
  #read(socket: Socket): void {
    let buffer: Buffer = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => {
      buffer = Buffer.concat([buffer, data]);
      for (;;) {
        const colon = buffer.indexOf(':');
        if (colon < 0) return;
        const length = Number(buffer.toString('latin1', 0, colon));
        if (buffer.length < colon + 2 + length) return;
        const message = JSON.parse(buffer.toString('utf8', colon + 1, colon + 1 + length)) as Event;
        buffer = buffer.subarray(colon + 2 + length);
        if (message.event) this.events.push(message);
      }
    });
  }
}

const readdir = (dir: string): string[] => readdirSync(dir).map((name) => join(dir, name));

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
  });
}
