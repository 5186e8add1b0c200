// The parent of everything that an instance for measurements runs: the supervisor of npm start with another seed.
import { loadConfig } from '#appliance/platform/config/index.ts';
import { Supervisor } from '#provisioning/supervisor/supervisor.ts';
import { type Floor, seedFloor } from './seed.ts';

const floor = JSON.parse(process.env.STRONGROOM_BENCH_FLOOR ?? '{}') as Floor;
const supervisor = new Supervisor(loadConfig(), {
  empty: false,
  startedAt: Date.now(),
  seed: (context) => seedFloor(context, floor),
});
let stopping = false;

function stop(code: number): void {
  if (stopping) return;
  stopping = true;
  void supervisor.stop().finally(() => process.exit(code));
}

// Without the one who started it nobody would end it.
process.on('disconnect', () => stop(0));
process.on('SIGTERM', () => stop(0));
process.on('SIGINT', () => stop(0));
try {
  await supervisor.start();
  process.send?.('ready');
} catch (error) {
  process.stderr.write(`${(error as Error).stack}\n`);
  stop(1);
}
