import { monitorEventLoopDelay } from 'node:perf_hooks';
import { delay } from '#appliance/kernel/async.ts';
import { type Fault, type Mend, NEEDS } from './catalogue.ts';
import { auditFloor } from './support/audit-floor.ts';
import { TALKING, WAITING } from './support/load.ts';
import { AWAY_MS, alarms, health, served, well } from './support/situation.ts';
import { type Look, Stage } from './support/stage.ts';

/** Of each log, when something went wrong. */
const LOG_LINES = 12;
/** Whoever is not well again by then does not recover by itself. */
const RECOVERED_WITHIN_MS = 90_000;
/** What a recording may lack, marked: the silences that the listener heard, a little more for each, and a full disk's. */
const SLACK_S = 1;

interface Row {
  fault: string;
  look: Look | undefined;
  silence: { ms: number; afterS: number };
  /** So late was this process itself, which listens. */
  deafMs: number;
  /** Parts that /health named just before the return; undefined when nobody looked. */
  named: string[] | undefined;
  healthRight: boolean;
  alarmed: string[];
  alarmsLeft: string[];
  recoveredS: number | undefined;
  said: string;
  failure: string | undefined;
}

/** One fault after another on one stage for each group; a stage on which a call was lost is not used again. Says whether all went well. */
export async function runFaults(faults: Fault[], portBase: number): Promise<boolean> {
  let open: Stage | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void (open?.close() ?? Promise.resolve()).finally(() => process.exit(130)));
  const rows: Row[] = [];
  let ends = '';
  for (const [group, its] of Map.groupBy(faults, ({ group }) => group)) {
    const left = [...its];
    while (left.length > 0) {
      const stage = new Stage(portBase, NEEDS[group] ?? {});
      open = stage;
      let cutS = 0;
      let holesS = 0;
      let whole = true;
      const of = rows.length;
      try {
        await stage.open();
        say(`${group}: ${stage.talks} talk, ${stage.waiting.length} wait`);
        while (left.length > 0 && whole) {
          const fault = left.shift()!;
          const row = await runOne(fault, stage);
          if (fault.unheard) cutS += AWAY_MS / 1000 + 2;
          holesS += row.silence.ms / 1000 + SLACK_S + (fault.unrecorded ? AWAY_MS / 1000 + SLACK_S : 0);
          rows.push(row);
          whole = isWhole(row);
          say(inWords(row));
          if (!whole) say(stage.instance.logs(LOG_LINES));
        }
        const end = await endOf(stage, cutS, holesS);
        ends += `\n${group} (${rows.length - of} faults): ${end}`;
        if (!end.startsWith('whole')) whole = false;
        say(end);
        if (!whole && left.length === 0) rows.at(-1)!.failure ??= end;
      } catch (error) {
        say(`${group}: ${String(error).slice(0, 3000)}`);
        ends += `\n${group}: ${String(error).slice(0, 200)}`;
        if (rows.length === of) {
          const fault = left.shift()!;
          rows.push({ ...nothing(fault.name), failure: String(error).slice(0, 300) });
        }
      } finally {
        await stage.close();
      }
    }
  }
  process.stdout.write(`\n${table(rows)}\n\nAfter all calls hung up:${ends}\n`);
  return rows.every(isWhole) && ends.split('\n').every((line) => !line || line.includes('): whole'));
}

async function runOne(fault: Fault, stage: Stage): Promise<Row> {
  const row = nothing(fault.name);
  const { instance } = stage;
  const openBefore = new Set(await alarms(stage.load.sam).catch(() => []));
  const since = (await instance.db.raw<{ rows: [{ now: Date }] }>('select clock_timestamp() as now')).rows[0].now;
  const from = performance.now();
  const lateness = monitorEventLoopDelay({ resolution: 10 });
  lateness.enable();
  try {
    let mend: Mend = await fault.strike(stage);
    let mendedAt = from;
    // Nothing stays frozen when this process has to end early.
    if (typeof mend === 'function') stage.undo = mend;
    if (fault.away && typeof mend === 'function') {
      const meanwhile = fault.meanwhile?.(stage).catch((error) => `meanwhile: ${String(error)}`);
      await delay(AWAY_MS - (performance.now() - from));
      row.named = await named(stage);
      if (meanwhile) row.said = await meanwhile;
      mendedAt = performance.now();
      mend = (await mend()) ?? undefined;
      stage.undo = undefined;
    }
    if (fault.passes) mendedAt = performance.now();
    if (typeof mend === 'string') row.said = [row.said, mend].filter(Boolean).join('; ');
    const required = row.named?.filter((name) => !fault.maySay?.includes(name));
    row.healthRight = !fault.says || !required || same(fault.says, required);
    row.recoveredS = await recovered(stage, mendedAt);
    row.look = await stage.look(fault.unheard);
    const until = Date.now() + 20_000;
    do {
      // That of a recording with a hole stays until the call is over and what there is of it is proven whole.
      row.alarmsLeft = (await alarms(stage.load.sam)).filter(
        (kind) => !openBefore.has(kind) && kind !== 'recording.failed',
      );
      if (row.alarmsLeft.length > 0) await delay(500);
    } while (row.alarmsLeft.length > 0 && Date.now() < until);
    row.alarmed = (
      await instance.db.raw<{ rows: { kind: string }[] }>(
        `select distinct kind from alarm where raised_at > ?::timestamptz order by kind`,
        [since],
      )
    ).rows.map(({ kind }) => kind);
  } catch (error) {
    row.failure = String(error).slice(0, 600);
  }
  row.silence = stage.ear.silence(from, performance.now());
  lateness.disable();
  row.deafMs = Math.round(lateness.max / 1e6);
  return row;
}

/** What /health says is not well now. */
async function named({ instance }: Stage): Promise<string[]> {
  const now = await health(instance);
  if (!now) return ['no answer'];
  return Object.entries(now.components).flatMap(([name, { status }]) => (status === 'ok' ? [] : [name]));
}

/** Seconds until /health is well and everybody talks or waits; undefined when that does not come. */
async function recovered(stage: Stage, from: number): Promise<number | undefined> {
  const end = from + RECOVERED_WITHIN_MS;
  while (performance.now() < end) {
    const now = await health(stage.instance);
    if (now && well(now) && (await stage.settled(0))) return Math.round((performance.now() - from) / 100) / 10;
    await delay(200);
  }
  return undefined;
}

/** All hang up; then everything is counted. */
async function endOf(stage: Stage, cutS: number, gapsS: number): Promise<string> {
  const { instance, load, round, waiting } = stage;
  await stage.ear.hangUp();
  const wrong = await load.end(round);
  if (wrong) return `phones: ${wrong.slice(0, 500)}`;
  const order = await served(instance, waiting);
  const came = waiting.map(({ interactionId }) => interactionId).filter((id) => order.includes(id));
  if (order.join() !== came.join()) return 'who came first was not served first';
  const books = await auditFloor(instance, { sam: load.sam, gapsS, cutS, recordingsWithinMs: 180_000 });
  if (books.length > 0) return `books: ${books.join('; ').slice(0, 1500)}`;
  const open = await alarms(load.sam);
  if (open.length > 0) return `alarms that stay: ${[...new Set(open)].join(', ')}`;
  const { rows } = await instance.db.raw<{ rows: [Record<string, number>] }>(
    `select (select count(*) from interaction) as interactions, (select count(*) from segment) as segments,
       (select count(*) from recording where state = 'ready') as recordings,
       (select coalesce(max((g ->> 'lengthS')::numeric), 0) from interaction_event e, jsonb_array_elements(e.data -> 'gaps') g
         where e.type = 'recording-ready') as hole`,
  );
  const { interactions, segments, recordings, hole } = rows[0];
  return `whole: ${interactions} interactions, ${segments} segments, each counted once; ${recordings} recordings ready, longest hole marked ${hole} s`;
}

function isWhole(row: Row): boolean {
  const { look } = row;
  return (
    !row.failure &&
    look !== undefined &&
    look.callsKept === TALKING + 1 &&
    look.placesKept === WAITING &&
    look.books.length === 0 &&
    look.phones === '' &&
    look.fatal === '' &&
    row.recoveredS !== undefined &&
    row.healthRight &&
    row.alarmsLeft.length === 0
  );
}

function nothing(fault: string): Row {
  return {
    fault,
    look: undefined,
    silence: { ms: 0, afterS: 0 },
    deafMs: 0,
    named: undefined,
    healthRight: true,
    alarmed: [],
    alarmsLeft: [],
    recoveredS: undefined,
    said: '',
    failure: undefined,
  };
}

function cells(row: Row): string[] {
  const { look } = row;
  return [
    row.fault,
    look ? `${look.callsKept}/${TALKING + 1}` : '?',
    look ? `${look.placesKept}/${WAITING}` : '?',
    look ? (look.books.length === 0 ? 'right' : `${look.books.length} rules broken`) : '?',
    `${row.silence.ms} ms${row.silence.ms > 500 ? ` from second ${row.silence.afterS}` : ''}${row.deafMs > 100 ? `, the listener was ${row.deafMs} ms late` : ''}`,
    row.named ? `${row.named.join(', ') || 'all well'}${row.healthRight ? '' : ' (WRONG)'}` : '-',
    [...row.alarmed, ...row.alarmsLeft.map((kind) => `${kind} STAYS`)].join(', ') || '-',
    row.recoveredS === undefined ? 'NOT' : `${row.recoveredS} s`,
    [row.said, row.failure ?? '', look?.phones.slice(0, 200) ?? '', look?.fatal ?? ''].filter(Boolean).join('; '),
  ];
}

const HEAD = ['fault', 'calls', 'places', 'books', 'longest silence', '/health names', 'alarms', 'well after', ''];

function table(rows: Row[]): string {
  const line = (words: string[]) => `| ${words.map((word) => word.replaceAll(/[|\n]+/g, ' ')).join(' | ')} |`;
  return [line(HEAD), line(HEAD.map(() => '---')), ...rows.map((row) => line(cells(row)))].join('\n');
}

function inWords(row: Row): string {
  const more = row.look && row.look.books.length > 0 ? `\n    ${row.look.books.join('\n    ').slice(0, 3000)}` : '';
  return `${isWhole(row) ? 'ok  ' : 'BAD '} ${cells(row).filter(Boolean).join(' · ')}${more}`;
}

function same(a: string[], b: string[]): boolean {
  return [...a].sort().join() === [...b].sort().join();
}

function say(text: string): void {
  if (text) process.stdout.write(`${new Date().toTimeString().slice(0, 8)} ${text}\n`);
}
