// The small supervisor of npm start: private services, migrations, demo data, roles; it keeps them running until it is told to stop.
import { messageOf } from '#appliance/kernel/errors.ts';
import { ConfigError, loadConfig } from '#appliance/platform/config/index.ts';
import { Problem } from './problem.ts';
import { red } from './screen.ts';
import { Supervisor } from './supervisor.ts';

/** Ctrl-C arrives several times at once (terminal, npm, start.mjs); a second one on purpose comes later. */
const SAME_SIGNAL_MS = 700;

process.title = 'strongroom';
const empty = process.argv.includes('--empty');
let supervisor: Supervisor | undefined;
let stopAskedAt: number | undefined;

function onSignal(signal: string): void {
  if (stopAskedAt === undefined) {
    stopAskedAt = Date.now();
    process.stdout.write('\nStopping … (Ctrl-C again to force)\n');
    void stop(0);
  } else if (signal === 'SIGINT' && Date.now() - stopAskedAt > SAME_SIGNAL_MS) {
    process.stdout.write('Forced.\n');
    supervisor?.kill();
    process.exit(130);
  }
}

async function stop(code: number): Promise<void> {
  await supervisor?.stop();
  if (code === 0) process.stdout.write('Stopped.\n');
  process.exit(code);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => onSignal(signal));

try {
  supervisor = new Supervisor(loadConfig(), {
    empty,
    startedAt: Number(process.env.STRONGROOM_SETUP_STARTED_AT) || Date.now(),
  });
  await supervisor.start();
} catch (error) {
  // A stop during the start breaks what was under way; that is no failure.
  if (stopAskedAt === undefined) {
    const known = error instanceof Problem || error instanceof ConfigError;
    process.stderr.write(`\n${known ? red(messageOf(error)) : red((error as Error).stack ?? String(error))}\n`);
    await stop(1);
  }
}
