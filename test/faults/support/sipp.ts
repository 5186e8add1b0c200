import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { delay } from '#appliance/kernel/async.ts';

/** Asked whether they are there, phones answer; and an answer may come twice when it was asked for twice. */
const HARMLESS = /Automatic response mode for an unexpected (INFO, NOTIFY, )?OPTIONS|Dead call .*\(successful\)/;
const SCENARIOS = join(import.meta.dirname, '../scenarios');

export interface SippOptions {
  scenario: 'caller' | 'agent';
  /** What it writes goes here; it finds `tone.alaw` here. */
  dir: string;
  name: string;
  address?: string;
  sipPort: number;
  mediaPort: number;
  args: (string | number)[];
  /** Words in front of the command, as `ip netns exec …`. */
  within?: string[];
}

/** One sipp process playing many phones. */
export class Sipp {
  readonly #options: SippOptions;
  readonly #child: ChildProcess;
  #output = '';
  readonly #gone: Promise<number>;

  constructor(options: SippOptions) {
    this.#options = options;
    const { scenario, dir, name, address = '127.0.0.1', sipPort, mediaPort, args, within = [] } = options;
    const [command, ...words] = [
      ...within,
      'sipp',
      ...['-nostdin', '-sf', join(SCENARIOS, `${scenario}.xml`), '-i', address, '-p', String(sipPort)],
      ...['-mi', address, '-mp', String(mediaPort), '-aa', '-cid_str', `${name}-%u@faults`],
      // Its watchdog would complain of a busy machine, and here every complaint is a lost call.
      ...['-watchdog_interval', '0', '-trace_err', '-error_file', this.#errorFile, ...args.map(String)],
    ];
    this.#child = spawn(command!, words, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.on('data', (data) => {
        this.#output = (this.#output + data).slice(-4000);
      });
    this.#gone = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => resolve(code ?? (signal ? 128 : 0)));
      this.#child.once('error', (error) => {
        this.#output += String(error);
        resolve(127);
      });
    });
  }

  get #errorFile(): string {
    return join(this.#options.dir, `${this.#options.name}.errors`);
  }

  /** What these phones did not expect; empty while all is well. */
  get complaints(): string {
    if (!existsSync(this.#errorFile)) return '';
    const [head = '', ...events] = readFileSync(this.#errorFile, 'utf8').split(/(?=^\d{4}-\d\d-\d\d\t)/m);
    const wrong = events.filter((event) => !HARMLESS.test(event));
    return wrong.length > 0 ? head + wrong.join('') : '';
  }

  /** Call `number` (from 1) hangs up. */
  async hangUp(numbers: number[]): Promise<void> {
    const { name, address = '127.0.0.1', sipPort } = this.#options;
    const socket = createSocket('udp4');
    for (const number of numbers) {
      const text = [
        'INFO sip:phone SIP/2.0',
        `Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKhangup${number}`,
        `From: <sip:test@127.0.0.1>;tag=t${number}`,
        'To: <sip:phone@127.0.0.1>',
        `Call-ID: ${name}-${number}@faults`,
        'CSeq: 1 INFO',
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n');
      await new Promise((resolve) => socket.send(text, sipPort, address, resolve));
    }
    socket.close();
  }

  /** Every call went as it should, or why not. */
  async finished(withinMs: number): Promise<string> {
    const code = await Promise.race([this.#gone, delay(withinMs).then(() => undefined)]);
    if (code === 0) return '';
    const how = code === undefined ? `not over after ${withinMs} ms` : `ended with ${code}`;
    return `${this.#options.name} ${how}: ${this.complaints.slice(0, 2000)}\n${this.#output.slice(-1500)}`;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#gone;
  }
}
