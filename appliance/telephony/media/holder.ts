// Opens the RTP ports and never reads them; starts the `media` process with the descriptors inherited and keeps a second one warm.
// When the first dies the second goes on: meanwhile the kernel queues what arrives, so parties notice a pause and lose nothing.
import { type ChildProcess, spawn } from 'node:child_process';
import { renameSync, statSync } from 'node:fs';
import { delay } from '#appliance/kernel/async.ts';
import { BEAT_MS, type PortPair } from './messages.ts';
import type { ProcessConfig, ToHolder } from './process.ts';
import { UdpPort } from './transport.ts';

/** The part of a pino logger that is needed here. */
export interface MediaLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface HolderConfig {
  /** Ports for RTP (even) and RTCP (the odd one above). */
  ports: { first: number; last: number };
  legs: number;
  workers: number;
  address: string;
  socketPath: string;
  promptDir: string;
  recordingDir: string;
  stateFile: string;
  log: MediaLog;
}

const FIRST_INHERITED_FD = 4; // after stdin, stdout, stderr and the channel to us
const QUICK_MS = 2000;
const MAX_QUICK_DEATHS = 5;
const MAX_DIED_STARTING = 3;
const MAX_BACKOFF_MS = 10_000;
const STOP_MS = 5000;
/** Looks without a beat, not time: after this process stood still itself nobody is guilty. Three seconds of a hung switch are long in a conversation. */
const SILENT_LOOKS = 6;
const PORT_PATIENCE_MS = 3000;

export class Holder {
  readonly #config: HolderConfig;
  readonly #held: UdpPort[] = [];
  readonly #pairs: PortPair[] = [];
  #active: ChildProcess | undefined;
  #standby: ChildProcess | undefined;
  #standbyWarm = false;
  #deaths = 0;
  #quickDeaths = 0;
  #diedStarting = 0;
  #stopping = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(config: HolderConfig) {
    this.#config = config;
  }

  /** Resolves when the switch takes requests. @throws when too few ports are free. */
  async start(): Promise<void> {
    await this.#openPorts();
    await new Promise<void>((resolve, reject) => {
      this.#activate(this.#spawn(), resolve, reject);
    });
    this.#prepareStandby();
  }

  /** Process id of the one that switches now. */
  get activePid(): number | undefined {
    return this.#active?.pid;
  }

  /** How often a switch was replaced. */
  get deaths(): number {
    return this.#deaths;
  }

  get standbyReady(): boolean {
    return this.#standbyWarm;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    this.#standby?.kill('SIGKILL'); // it has touched nothing
    const active = this.#active;
    if (active && active.exitCode === null && active.signalCode === null) {
      const gone = new Promise<void>((resolve) => {
        active.once('exit', () => resolve());
      });
      active.kill('SIGTERM');
      const timer = setTimeout(() => active.kill('SIGKILL'), STOP_MS);
      await gone;
      clearTimeout(timer);
    }
    for (const port of this.#held) port.close();
  }

  async #openPorts(): Promise<void> {
    const { ports, legs, address, log } = this.#config;
    let taken = 0;
    for (let port = ports.first + (ports.first & 1); port + 1 <= ports.last && this.#pairs.length < legs; port += 2) {
      let pair = holdPair(port, address);
      // Right after a death of ours the former switch may still be letting go: its legs must find their ports again.
      for (let i = 0; !pair && i < 20 && diedJustNow(this.#config.stateFile); i++) {
        await delay(50);
        pair = holdPair(port, address);
      }
      if (!pair) {
        taken++;
        continue;
      }
      const fd = FIRST_INHERITED_FD + this.#held.length;
      this.#pairs.push({ slot: this.#pairs.length, port, rtpFd: fd, rtcpFd: fd + 1 });
      this.#held.push(...pair);
    }
    if (taken) log.warn({ taken }, 'some RTP ports are used by another program');
    if (this.#pairs.length < legs) {
      for (const port of this.#held.splice(0)) port.close();
      const range = `${ports.first}-${ports.last}`;
      throw new Error(`only ${this.#pairs.length} of ${legs} pairs of RTP ports are free in ${range}`);
    }
  }

  #spawn(): ChildProcess {
    const { address, workers, socketPath, promptDir, recordingDir, stateFile } = this.#config;
    const config: ProcessConfig = {
      address,
      workers,
      socketPath,
      promptDir,
      recordingDir,
      stateFile,
      ports: this.#pairs,
    };
    return spawn(process.execPath, [new URL('process.ts', import.meta.url).pathname], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...this.#held.map((port) => port.fd)],
      env: { ...process.env, STRONGROOM_MEDIA_PROCESS: JSON.stringify(config) },
    });
  }

  #activate(child: ChildProcess, up: () => void, failed: (error: Error) => void): void {
    const { log } = this.#config;
    this.#active = child;
    let fatal = '';
    let upAtMs: number | undefined;
    let silentLooks = 0;
    let look: NodeJS.Timeout | undefined;
    child.on('message', (message: ToHolder) => {
      if (message.say === 'fatal') {
        fatal = message.error;
        log.error({ error: message.error }, 'media cannot go on');
      }
      silentLooks = 0;
      if (message.say !== 'up') return;
      look = setInterval(() => {
        if (++silentLooks <= SILENT_LOOKS) return;
        log.error({ pid: child.pid }, 'media hangs: its successor takes over');
        child.kill('SIGKILL');
      }, BEAT_MS);
      upAtMs = performance.now();
      log.info({ pid: child.pid, restored: message.restored, tookMs: message.tookMs }, 'media is up');
      up();
    });
    child.once('exit', (code, signal) => {
      clearInterval(look);
      failed(new Error(fatal || `media ended with ${signal ?? code}`));
      const upForMs = upAtMs === undefined ? undefined : Math.round(performance.now() - upAtMs);
      if (!this.#stopping) this.#replace(signal ?? String(code), upForMs);
    });
    child.once('error', failed);
    child.send('go', () => undefined);
  }

  /** @param upForMs how long it took requests; undefined when it died before. */
  #replace(why: string, upForMs: number | undefined): void {
    const { log } = this.#config;
    this.#deaths++;
    if (upForMs === undefined) this.#diedStarting++;
    else this.#diedStarting = 0;
    if (upForMs === undefined || upForMs < QUICK_MS) this.#quickDeaths++;
    else this.#quickDeaths = 0;
    log.error({ why, upForMs, quickDeaths: this.#quickDeaths }, 'media died');
    // It dies of what it finds: go on without the state rather than never.
    if (this.#diedStarting === MAX_DIED_STARTING) this.#setStateAside();
    if (this.#quickDeaths <= MAX_QUICK_DEATHS) {
      this.#takeOver();
      return;
    }
    const backoffMs = Math.min(MAX_BACKOFF_MS, 500 * 2 ** (this.#quickDeaths - MAX_QUICK_DEATHS));
    this.#timer = setTimeout(() => this.#takeOver(), backoffMs);
  }

  #takeOver(): void {
    const ready = this.#standby;
    this.#standby = undefined;
    this.#standbyWarm = false;
    this.#activate(ready ?? this.#spawn(), ignore, ignore);
    this.#timer = setTimeout(() => this.#prepareStandby(), 1000);
  }

  #prepareStandby(): void {
    if (this.#stopping || this.#standby) return;
    const child = this.#spawn();
    this.#standby = child;
    child.on('message', (message: ToHolder) => {
      if (message.say === 'warm' && this.#standby === child) this.#standbyWarm = true;
    });
    child.once('exit', () => {
      if (this.#standby !== child) return;
      this.#standby = undefined;
      this.#standbyWarm = false;
      if (!this.#stopping) this.#timer = setTimeout(() => this.#prepareStandby(), MAX_BACKOFF_MS);
    });
  }

  #setStateAside(): void {
    const { stateFile, log } = this.#config;
    try {
      renameSync(`${stateFile}.json`, `${stateFile}.json.bad`);
      log.error({ stateFile }, 'media starts without its former legs');
    } catch {
      // there was none
    }
  }
}

function holdPair(port: number, address: string): [UdpPort, UdpPort] | undefined {
  let rtp: UdpPort | undefined;
  try {
    rtp = UdpPort.hold(port, address);
    return [rtp, UdpPort.hold(port + 1, address)];
  } catch {
    rtp?.close();
    return undefined;
  }
}

function diedJustNow(stateFile: string): boolean {
  try {
    return Date.now() - statSync(stateFile).mtimeMs < PORT_PATIENCE_MS;
  } catch {
    return false;
  }
}

function ignore(): void {}
