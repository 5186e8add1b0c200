import { expect, it } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import type { AlarmInput } from './alarms.ts';
import { createWatch, type Watched } from './watch.ts';

const AWAY = { severity: 'critical', text: 'Redis is away' } as const;

function setUp() {
  const clock = new ManualClock('2026-01-05T09:00:00Z');
  const state = { now: undefined as Watched['trouble'], away: false };
  const said: string[] = [];
  const refuse = () => {
    if (state.away) throw new Error('the database is away');
  };
  const watch = createWatch({
    look: async () => [{ kind: 'redis.down', trouble: state.now }],
    everyMs: 1000,
    clock,
    log: silentLog,
    alarms: {
      async raise({ kind, since }: AlarmInput) {
        refuse();
        said.push(`${kind} since ${since?.toISOString().slice(14, 19)}`);
        return { id: '' };
      },
      async clear(kind) {
        refuse();
        said.push(`${kind} over at ${clock.now().toISOString().slice(14, 19)}`);
        return true;
      },
    },
  });
  const turns = async (count: number) => {
    for (let i = 0; i < count; i++) {
      clock.advance(1000);
      await watch.turn();
      await watch.stored();
    }
  };
  return { state, said, watch, turns };
}

it('is an alarm at the second look, with the time of the first, and over at the first look that finds all well', async () => {
  const { state, said, turns } = setUp();
  state.now = AWAY;
  await turns(1);
  expect(said).toEqual([]);
  await turns(5);
  expect(said).toEqual(['redis.down since 00:01']);
  state.now = undefined;
  await turns(3);
  expect(said).toEqual(['redis.down since 00:01', 'redis.down over at 00:07']);
});

it('says nothing of what was restarted between two looks', async () => {
  const { state, said, turns } = setUp();
  await turns(1);
  said.length = 0;
  state.now = AWAY;
  await turns(1);
  state.now = undefined;
  await turns(2);
  expect(said).toEqual([]);
});

it('clears what a former process has left open', async () => {
  const { said, turns } = setUp();
  await turns(3);
  expect(said).toEqual(['redis.down over at 00:01']);
});

it('tells a trouble that the database cannot take, and stores it with its times when that is back', async () => {
  const { state, said, watch, turns } = setUp();
  await turns(1);
  said.length = 0;
  state.away = true;
  state.now = AWAY;
  await turns(3);
  expect(said).toEqual([]);
  expect(watch.standing()).toMatchObject([
    { kind: 'redis.down', severity: 'critical', text: 'Redis is away', since: '2026-01-05T09:00:02.000Z' },
  ]);
  state.now = undefined;
  await turns(1);
  expect(watch.standing()).toEqual([]);
  state.away = false;
  await turns(1);
  expect(said).toEqual(['redis.down since 00:02', 'redis.down over at 00:06']);
});
