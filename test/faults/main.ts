// npm run faults: everything breaks, one after another, while calls are up. Prints what became of them.
//   --talking 20 --waiting 10   so many calls          --away 60     so many seconds is away what goes away
//   --only WORD,WORD            faults or groups by a part of their name       --list     what there is
//   --port 8500                 2000 ports are used from there
//   --first                     the telephones have the processor first, on a machine that others use as well (root)
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    talking: { type: 'string', default: '20' },
    waiting: { type: 'string', default: '10' },
    away: { type: 'string', default: '60' },
    only: { type: 'string' },
    port: { type: 'string', default: '8500' },
    list: { type: 'boolean', default: false },
    first: { type: 'boolean', default: false },
  },
});
process.env.STRONGROOM_FAULTS_TALKING = values.talking;
process.env.STRONGROOM_FAULTS_WAITING = values.waiting;
process.env.STRONGROOM_FAULTS_AWAY_S = values.away;
if (values.first) writeFileSync('/proc/self/autogroup', '-10');

// The size of the load is read when these are loaded.
const { FAULTS } = await import('./catalogue.ts');
const { runFaults } = await import('./run.ts');

const words = values.only?.split(',').map((word) => word.trim());
const wanted = FAULTS.filter(
  ({ name, group }) =>
    !words || words.some((word) => group === word || name.toLowerCase().includes(word.toLowerCase())),
);
if (values.list) {
  for (const { group, name } of wanted) process.stdout.write(`${group.padEnd(12)}${name}\n`);
} else {
  process.exitCode = (await runFaults(wanted, Number(values.port))) ? 0 : 1;
}
process.exit();
