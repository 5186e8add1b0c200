import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Instance } from '#test/support/instance.ts';

const SCENARIO = join(import.meta.dirname, '../scenarios/offer.xml');
const PORT = 660;
/** A queue in which nobody works: who gets in, waits. */
const SUPPORT = '+15550102';

export interface Offered {
  offered: number;
  /** With a Retry-After; one without is a failure. */
  refused: number;
  answered: number;
  failed: number;
}

/** Offers so many calls a second for a while, whatever becomes of them. */
export async function offerCalls(instance: Instance, rate: number, seconds: number): Promise<Offered> {
  const dir = mkdtempSync(join(tmpdir(), 'overload-'));
  const port = instance.port(PORT);
  const child = spawn(
    'sipp',
    [
      ...['-nostdin', '-sf', SCENARIO, '-i', '127.0.0.1', '-p', String(port), '-mi', '127.0.0.1', '-mp', '9'],
      ...['-s', SUPPORT, '-r', String(rate), '-m', String(rate * seconds), '-l', '20000', '-cid_str', 'o-%u@faults'],
      ...['-trace_stat', '-fd', '1', '-stf', join(dir, 'stat.csv'), '-watchdog_interval', '0', '-timer_resol', '5'],
      ...['-recv_timeout', '40000', '-trace_err', '-error_file', join(dir, 'errors')],
      `127.0.0.1:${instance.sipPort}`,
    ],
    { cwd: dir, stdio: 'ignore' },
  );
  const timer = setTimeout(() => child.kill('SIGKILL'), (seconds + 60) * 1000);
  await new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', resolve);
  });
  clearTimeout(timer);
  try {
    const [head = '', ...rows] = readFileSync(join(dir, 'stat.csv'), 'utf8').trim().split('\n');
    const columns = head.split(';');
    const last = rows.at(-1)?.split(';') ?? [];
    const figure = (column: string) => Number(last[columns.indexOf(column)] ?? 0);
    const [offered, refused, failed] = [figure('TotalCallCreated'), figure('refused(C)'), figure('FailedCall(C)')];
    return { offered, refused, failed, answered: offered - refused - failed };
  } catch (error) {
    throw new Error(`sipp left ${readdirSync(dir).join(', ') || 'nothing'}: ${String(error)}`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
