// Everything that breaks in npm run faults: how it is broken, how mended, and what /health has to say meanwhile.
import { get } from 'node:https';
import { delay } from '#appliance/kernel/async.ts';
import { type Answer, newCall } from './support/ear.ts';
import { offerCalls } from './support/overload.ts';
import { type Part, signal } from './support/processes.ts';
import { health, killAndReturn, untilHealth, untilReady, well } from './support/situation.ts';
import type { Needs, Stage } from './support/stage.ts';

export interface Fault {
  name: string;
  group: string;
  /** It stays so for the time given, then `mend` is called. */
  away?: boolean;
  /** Parts that /health has to name while it lasts, and no others. */
  says?: string[];
  /** What it may name besides: whether something waits to be written is a matter of what happened meanwhile. */
  maySay?: string[];
  /** It is over when `strike` is: from then on everybody is to be well again. */
  passes?: boolean;
  /** Nothing is heard of the agents, or nothing can be recorded, while it lasts. */
  unheard?: boolean;
  unrecorded?: boolean;
  /** More things that are to happen while it is away; what they found out is printed. */
  meanwhile?(stage: Stage): Promise<string>;
  /** Resolves when it is done to us; what is returned mends it, and may say something. */
  strike(stage: Stage): Promise<Mend>;
}

export type Mend = (() => Promise<string | undefined> | undefined) | string | undefined;

export const NEEDS: Record<string, Needs> = {
  crash: {},
  away: {},
  box: { network: true, clock: true, spool: true, databaseDisk: true },
  rolling: { tree: true },
  overload: {},
  supervisor: {},
};

const ROLES = ['voice', 'media', 'web', 'work'];

function killed(...parts: Part[]): Fault {
  return {
    name: `kill -9 ${parts.join(' + ')}`,
    group: 'crash',
    async strike({ instance, processes }) {
      for (const part of parts.slice(0, -1)) processes.kill(part);
      await killAndReturn(instance, processes, parts.at(-1)!);
      return undefined;
    },
  };
}

/** kill -9, and whoever starts things again stands still. */
function gone(parts: Part[], says: string[], more: Partial<Fault> = {}): Fault {
  return {
    name: `${parts.join(' + ')} gone`,
    group: 'away',
    away: true,
    says,
    async strike({ processes }) {
      const supervisor = processes.supervisorOf(parts[0]!);
      signal(supervisor, 'SIGSTOP');
      for (const part of parts) processes.kill(part);
      return () => {
        signal(supervisor, 'SIGCONT');
        return undefined;
      };
    },
    ...more,
  };
}

function frozen(part: Part, says: string[], more: Partial<Fault> = {}): Fault {
  return {
    name: `${part} stands still`,
    group: 'away',
    away: true,
    says,
    async strike({ processes }) {
      const back = processes.freeze(part);
      return () => {
        back();
        return undefined;
      };
    },
    ...more,
  };
}

/** A caller who tries while the database is away is told so, and soon. */
async function callNow({ instance }: Stage): Promise<string> {
  await delay(3000);
  const said: string[] = [];
  for (let attempt = 0; attempt < 2; attempt++) said.push(inWords(await newCall(instance)));
  return `new calls: ${said.join(', ')}`;
}

function inWords({ status, retryAfter, tookMs }: Answer): string {
  const again = retryAfter ? `, again in ${retryAfter} s` : '';
  return `${status ?? 'no answer'}${again} (after ${(tookMs / 1000).toFixed(1)} s)`;
}

/** What the product says it refused; figures are published every five seconds. */
async function refusals({ instance }: Stage): Promise<number> {
  await delay(6000);
  const text = await new Promise<string>((resolve, reject) => {
    const options = { host: '127.0.0.1', port: instance.config.httpsPort, path: '/metrics', ca: instance.ca };
    get(options, (answer) => {
      let body = '';
      answer.on('data', (data) => {
        body += data;
      });
      answer.on('end', () => resolve(body));
    }).on('error', reject);
  });
  const lines = text.matchAll(/^strongroom_calls_refused_total\{[^}]*\} (\d+)/gm);
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
}

async function restartInTurn(stage: Stage, order: readonly Part[], rude?: Part): Promise<void> {
  const { instance, processes } = stage;
  for (const part of order) {
    const old = processes.pidOf(part);
    signal(old, 'SIGTERM');
    if (part === rude) {
      await delay(30);
      signal(old, 'SIGKILL');
    }
    for (let waited = 0; !processes.isNew(part, old); waited += 50) {
      if (waited > 30_000) throw new Error(`${part} does not come back`);
      await delay(50);
    }
    await untilReady(instance, processes, part);
  }
  await untilHealth(instance, well);
}

function step(name: string, seconds: number): Fault {
  return {
    name,
    group: 'box',
    away: true,
    says: [],
    async strike({ clock }) {
      if (!clock) return 'not possible here: no C compiler';
      clock.set(seconds);
      return () => {
        clock.set(0);
        return undefined;
      };
    },
  };
}

export const FAULTS: Fault[] = [
  {
    name: 'kill -9 the switch (worker process of media)',
    group: 'crash',
    async strike({ processes }) {
      const old = processes.switchPid();
      signal(old, 'SIGKILL');
      for (let waited = 0; waited < 10_000 && same(() => processes.switchPid(), old); waited += 20) await delay(20);
      return undefined;
    },
  },
  {
    name: 'the switch stands still',
    group: 'crash',
    async strike({ processes }) {
      const old = processes.switchPid();
      signal(old, 'SIGSTOP');
      for (let waited = 0; waited < 20_000 && same(() => processes.switchPid(), old); waited += 50) await delay(50);
      return undefined;
    },
  },
  ...(['media', 'voice', 'web', 'work', 'redis', 'rtpengine', 'postgres'] as const).map((part) => killed(part)),
  killed('voice', 'media'),
  killed('postgres', 'voice'),
  killed('postgres', 'redis', 'rtpengine', 'web', 'work', 'media', 'voice'),

  frozen('postgres', ['postgres'], { maySay: ['voice'], meanwhile: callNow }),
  gone(['postgres'], ['postgres'], { maySay: ['voice'], meanwhile: callNow }),
  frozen('redis', ['redis', ...ROLES]),
  gone(['redis'], ['redis', ...ROLES]),
  frozen('rtpengine', ['rtpengine']),
  gone(['voice'], ['voice']),
  gone(['media'], ['voice', 'media']),
  gone(['work'], ['work']),
  gone(['web'], ['no answer']),
  gone(['postgres', 'redis', 'rtpengine'], ['postgres', 'redis', 'rtpengine', ...ROLES]),
  {
    name: 'voice hangs until it is replaced',
    group: 'away',
    async strike({ instance, processes }) {
      const old = processes.pidOf('voice');
      signal(old, 'SIGSTOP');
      for (let waited = 0; waited < 60_000 && !processes.isNew('voice', old); waited += 100) await delay(100);
      await untilReady(instance, processes, 'voice');
      return undefined;
    },
  },

  step('the clock an hour ahead, then back', 3600),
  step('the clock an hour behind, then back', -3600),
  {
    name: 'the disk for recordings is full',
    group: 'box',
    away: true,
    unrecorded: true,
    says: [],
    async strike({ spool }) {
      if (!spool) return 'not possible here: no right to mount';
      spool.fill();
      return () => {
        spool.free();
        return undefined;
      };
    },
  },
  {
    name: "PostgreSQL's disk is full",
    group: 'box',
    away: true,
    says: [],
    maySay: ['voice'],
    async strike({ databaseDisk }) {
      if (!databaseDisk) return 'not possible here: no right to mount';
      databaseDisk.fill();
      return () => {
        databaseDisk.free();
        return undefined;
      };
    },
    meanwhile: callNow,
  },
  {
    name: 'the network to the agents is cut',
    group: 'box',
    away: true,
    unheard: true,
    says: [],
    async strike({ network }) {
      if (!network) return 'not possible here: no right to make network namespaces';
      network.cut();
      return () => {
        network.mend();
        return undefined;
      };
    },
  },

  {
    name: 'rolling restart of all roles',
    group: 'rolling',
    async strike(stage) {
      await restartInTurn(stage, ['work', 'web', 'voice', 'media']);
      return undefined;
    },
  },
  {
    name: 'rolling restart, voice killed while it stops',
    group: 'rolling',
    async strike(stage) {
      await restartInTurn(stage, ['media', 'voice', 'web', 'work'], 'voice');
      return undefined;
    },
  },
  {
    name: 'rolling upgrade to another version with two more migrations',
    group: 'rolling',
    async strike(stage) {
      const { instance, tree } = stage;
      const version = await tree!.upgrade(instance);
      await restartInTurn(stage, ['work', 'web', 'voice', 'media']);
      const now = (await health(instance)) as { version?: string } | undefined;
      if (now?.version !== version) throw new Error(`/health says version ${now?.version} instead of ${version}`);
      return `now version ${version}`;
    },
  },

  {
    name: 'many more calls than can be taken',
    group: 'overload',
    passes: true,
    async strike(stage) {
      const { instance } = stage;
      const seconds = 20;
      const [told] = await Promise.all([offerCalls(instance, 250, seconds), delay(1000)]);
      const after = await newCall(instance);
      const counted = await refusals(stage);
      return `${told.offered} offered in ${seconds} s: ${told.answered} taken, ${told.refused} told 503 with Retry-After (${counted} counted), ${told.failed} failed; the next call: ${inWords(after)}`;
    },
  },

  {
    name: 'kill -9 of the supervisor, started again by hand',
    group: 'supervisor',
    async strike({ instance, processes }) {
      const supervisor = processes.supervisorOf('voice');
      const children = ROLES.map((role) => processes.pidOf(role as Part));
      signal(supervisor, 'SIGKILL');
      for (let waited = 0; waited < 30_000 && children.some(exists); waited += 50) await delay(50);
      await instance.start();
      return undefined;
    },
  },
];

function same(read: () => number, old: number): boolean {
  try {
    return read() === old;
  } catch {
    return true;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
