import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SCENARIOS = join(import.meta.dirname, '../scenarios');

/** One run of a scenario by sipp: it fails when a message comes that the scenario does not expect. */
export class Sipp {
  readonly #dir = mkdtempSync(join(tmpdir(), 'sipp-'));
  readonly #child: ChildProcess;
  #output = '';
  /** Resolves when the scenario ran as written, once. */
  readonly done: Promise<void>;

  constructor(
    scenario: string,
    options: { port: number; mediaPort: number; to?: number; service?: string; keys?: Record<string, string> },
  ) {
    const { port, mediaPort, to, service, keys = {} } = options;
    this.#child = spawn(
      'sipp',
      [
        ...(to ? [`127.0.0.1:${to}`] : []),
        ...['-sf', join(SCENARIOS, scenario), '-i', '127.0.0.1', '-p', String(port), '-mi', '127.0.0.1'],
        ...['-mp', String(mediaPort), '-m', '1', '-l', '1', '-nostdin', '-trace_err', '-trace_msg', '-timeout', '30'],
        ...(service ? ['-s', service] : []),
        ...Object.entries(keys).flatMap(([key, value]) => ['-key', key, value]),
      ],
      { cwd: this.#dir, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (data) => {
        this.#output = (this.#output + data).slice(-4000);
      });
    this.done = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (code) =>
        code === 0
          ? resolve()
          : reject(new Error(`${scenario}: sipp said ${code}\n${this.#errors()}\n${this.messages()}`)),
      );
    });
    this.done.catch(() => {});
  }

  /** Every SIP message it sent or received so far. */
  messages(): string {
    return this.#files('_messages.log');
  }

  #errors(): string {
    return this.#files('_errors.log') || this.#output.slice(-1500);
  }

  #files(ending: string): string {
    return readdirSync(this.#dir)
      .filter((name) => name.endsWith(ending))
      .map((name) => readFileSync(join(this.#dir, name), 'utf8'))
      .join('\n');
  }

  stop(): void {
    if (this.#child.exitCode === null) this.#child.kill('SIGKILL');
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
