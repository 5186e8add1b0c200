import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#appliance/kernel/clock.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { createReread } from '#appliance/kernel/reread.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Batch, Database } from '#appliance/platform/postgres/index.ts';
import { isRecorded, type RecordingRule, type RuleQuestion, ruleFor } from './rules.ts';
import { liveWriter, recordingStore } from './store.ts';
import {
  type AlarmPort,
  type InteractionEvents,
  type LiveRecording,
  PROCESS_JOB,
  type RawMeta,
  type RecorderPort,
} from './types.ts';

export interface RecordedCall extends RuleQuestion {
  interactionId: string;
  customer: { id: string };
}

export interface RecordingsDeps {
  db: Database;
  batch: Batch;
  clock: Clock;
  log: Log;
  bus: Pick<Bus, 'subscribe' | 'publish'>;
  instance: string;
  /** Where the switch writes raw files. */
  spool: string;
  recorder: RecorderPort;
  jobs: { enqueue(name: string, payload: object, options?: { id?: string }): Promise<unknown> };
  event: InteractionEvents;
  alarms: AlarmPort;
  /** Media names of a prompt in a language. */
  sound: (prompt: string, language: string) => string[];
}

export type OnOff = 'off' | 'on' | 'paused';
export type Recordings = ReturnType<typeof createRecordings>;

/**
 * Recordings of calls in progress. One at a time per interaction, over holds and transfers: legs join it. Nothing here
 * throws because a recording failed (a call goes on); a failure is an event of the interaction and an alarm.
 */
export function createRecordings({
  db,
  batch,
  clock,
  log,
  bus,
  instance,
  spool,
  recorder,
  jobs,
  event,
  alarms,
  sound,
}: RecordingsDeps) {
  const store = recordingStore(db);
  const write = liveWriter(batch);
  const open = new Map<string, LiveRecording>();
  /** Ended while the switch was away: it may still be writing them. */
  const unstopped = new Map<string, LiveRecording>();
  let rules: RecordingRule[] = [];
  const ends: (() => void)[] = [];
  const handingOver = new Set<Promise<void>>();

  function failed(row: LiveRecording, what: string, error: unknown): void {
    row.error = messageOf(error);
    log.error({ recordingId: row.id, interactionId: row.interactionId, error: row.error }, what);
    event(row.interactionId, 'recording-failed', { recordingId: row.id, error: row.error });
    void alarms
      .raise({
        kind: 'recording.failed',
        subject: row.id,
        severity: 'critical',
        text: `A call is not recorded as it should be: ${row.error}`,
        data: { interactionId: row.interactionId, recordingId: row.id },
      })
      .catch((alarmError) => log.error({ error: messageOf(alarmError) }, 'the alarm about a recording was not stored'));
  }

  function save(row: LiveRecording): Promise<void> {
    return write(structuredClone(row)).then(
      () => bus.publish({ type: 'recording.changed', recordingId: row.id, interactionId: row.interactionId }),
      (error) => failed(row, 'a recording was not entered in the database', error),
    );
  }

  function stateOf(row: LiveRecording | undefined): OnOff {
    return !row ? 'off' : row.pauses.some(({ to }) => to === null) ? 'paused' : 'on';
  }

  async function start(call: RecordedCall, ruleId: string | null): Promise<LiveRecording | undefined> {
    const at = clock.now();
    const row: LiveRecording = {
      id: uuidv7(at.getTime()),
      interactionId: call.interactionId,
      ruleId,
      instance,
      state: 'recording',
      startedAt: at,
      endedAt: null,
      layout: [{ stream: 0, leg: call.customer.id, side: 'left', agentId: null, from: at.toISOString() }],
      pauses: [],
      error: null,
    };
    open.set(call.interactionId, row);
    void save(row);
    try {
      await startInSwitch(row);
    } catch (error) {
      open.delete(call.interactionId);
      failed(row, 'a recording could not begin', error);
      row.state = 'failed';
      row.endedAt = clock.now();
      void save(row);
      return undefined;
    }
    event(call.interactionId, 'recording-started', { recordingId: row.id, ruleId });
    return row;
  }

  function startInSwitch(row: LiveRecording): Promise<void> {
    const meta: RawMeta = { interactionId: row.interactionId, ruleId: row.ruleId, instance };
    return recorder.startRecording({
      recording: row.id,
      file: fileOf(row.id),
      legs: row.layout.map(({ leg, stream }) => ({ leg, stream })),
      meta,
    });
  }

  function fileOf(id: string): string {
    return join(spool, `${id}.rg7`);
  }

  async function pause(row: LiveRecording, reason: string): Promise<void> {
    const already = stateOf(row) === 'paused';
    if (row.pauses.some((mark) => mark.reason === reason && mark.to === null)) return;
    const mark = { from: clock.now().toISOString(), to: null, reason };
    row.pauses.push(mark);
    try {
      if (!already) await recorder.pauseRecording(row.id);
    } catch (error) {
      row.pauses = row.pauses.filter((other) => other !== mark);
      throw error;
    }
    void save(row);
    event(row.interactionId, 'recording-paused', { recordingId: row.id, why: reason });
  }

  async function resume(row: LiveRecording, reason: string): Promise<void> {
    const mark = row.pauses.find((other) => other.reason === reason && other.to === null);
    if (!mark) return;
    const isLast = row.pauses.filter(({ to }) => to === null).length === 1;
    if (isLast) await recorder.resumeRecording(row.id);
    mark.to = clock.now().toISOString();
    void save(row);
    event(row.interactionId, 'recording-resumed', { recordingId: row.id, why: reason });
  }

  async function end(interactionId: string): Promise<void> {
    const row = open.get(interactionId);
    if (!row) return;
    open.delete(interactionId);
    row.endedAt = clock.now();
    for (const mark of row.pauses) mark.to ??= row.endedAt.toISOString();
    try {
      await recorder.stopRecording(row.id);
    } catch (error) {
      // Nothing is lost: what was written is in the file. While the switch is away it may go on writing, so it is told when it is back.
      log.warn({ recordingId: row.id, error: messageOf(error) }, 'the switch was not told to end a recording');
      unstopped.set(row.id, row);
    }
    event(interactionId, 'recording-ended', { recordingId: row.id });
    // The call ends now, also while the database is away.
    if (!unstopped.has(row.id)) toProcessing(row);
    else void save(row);
  }

  function toProcessing(row: LiveRecording): void {
    row.state = 'processing';
    const task = handOver(row).finally(() => handingOver.delete(task));
    handingOver.add(task);
  }

  async function handOver(row: LiveRecording): Promise<void> {
    await save(row);
    // When this gets lost, the scan of the spool finds the file.
    await jobs
      .enqueue(PROCESS_JOB, { recordingId: row.id }, { id: row.id })
      .catch((error) =>
        log.warn({ recordingId: row.id, error: messageOf(error) }, 'a recording waits for the next scan'),
      );
  }

  /** Compares what should be recorded with what the switch records. */
  async function reconcile(): Promise<void> {
    const { recordings } = await recorder.list();
    const inSwitch = new Set(recordings);
    for (const row of [...unstopped.values()]) {
      if (inSwitch.has(row.id))
        await recorder
          .stopRecording(row.id)
          .catch((error) =>
            log.warn({ recordingId: row.id, error: messageOf(error) }, 'the switch did not end a recording'),
          );
      unstopped.delete(row.id);
      toProcessing(row);
    }
    for (const row of open.values()) {
      if (inSwitch.has(row.id)) continue;
      // It appends to the same file; the hole stays visible as silence.
      await startInSwitch(row).then(
        async () => {
          event(row.interactionId, 'recording-interrupted', { recordingId: row.id });
          if (stateOf(row) === 'paused') await recorder.pauseRecording(row.id);
        },
        (error) => failed(row, 'a recording could not go on after the switch was away', error),
      );
    }
  }

  async function loadRules(): Promise<void> {
    rules = await store.allRules();
  }

  const reload = createReread({
    clock,
    read: loadRules,
    failed: (error) => log.warn({ error: messageOf(error) }, 'the recording rules could not be read again'),
  });

  return {
    /** Rules into memory, and what a former process of this instance left: goes on where the switch goes on, closes what it does not know. Before the calls are adopted. */
    async recover(): Promise<{ live: number; closed: number }> {
      ends.push(
        bus.subscribe(
          (change) => change.type === 'config.changed' && change.entity === 'recording-rule' && reload(),
          reload,
        ),
      );
      ends.push(
        recorder.on(
          'connected',
          () =>
            void reconcile().catch((error) =>
              log.warn({ error: messageOf(error) }, 'recordings were not compared with the switch'),
            ),
        ),
      );
      ends.push(
        recorder.on('recording-failed', ({ recording, error }) => {
          const row = [...open.values()].find(({ id }) => id === recording);
          if (!row) return;
          failed(row, 'the switch cannot write a recording', new Error(error));
          void save(row);
        }),
      );
      await loadRules();
      const rows = await store.openOf(instance);
      if (rows.length === 0) return { live: 0, closed: 0 };
      const inSwitch = await recorder.list().then(
        ({ recordings }) => new Set(recordings),
        () => undefined,
      );
      let closed = 0;
      for (const row of rows) {
        const { id, interactionId, ruleId, state, startedAt, layout, pauses, error } = row;
        const live: LiveRecording = {
          id,
          interactionId,
          ruleId,
          instance,
          state,
          startedAt,
          endedAt: null,
          layout,
          pauses,
          error,
        };
        if (!inSwitch || inSwitch.has(id)) open.set(interactionId, live);
        else {
          live.endedAt = lastWritten(fileOf(id)) ?? clock.now();
          toProcessing(live);
          closed++;
        }
      }
      return { live: rows.length - closed, closed };
    },

    reloadRules: loadRules,

    /** What the rules say about a call: recorded or not, and which prompt tells the caller. */
    decide(question: RuleQuestion & { interactionId: string }): {
      record: boolean;
      announcement: string | null;
      ruleId: string | null;
    } {
      const rule = ruleFor(rules, question);
      const record = rule !== undefined && isRecorded(rule, question.interactionId);
      return { record, announcement: record ? rule.announcement : null, ruleId: rule?.id ?? null };
    },

    /** Applies the rules; begins when they say so. */
    async begin(call: RecordedCall): Promise<OnOff> {
      const running = open.get(call.interactionId);
      if (running) return stateOf(running);
      const rule = ruleFor(rules, call);
      if (!rule || !isRecorded(rule, call.interactionId)) return 'off';
      return stateOf(await start(call, rule.id));
    },

    /** A message: only the caller is on it. */
    async message(call: RecordedCall): Promise<{ recordingId: string } | undefined> {
      await end(call.interactionId);
      const row = await start(call, null);
      return row && { recordingId: row.id };
    },

    /** Another party is heard from now on: on the right side, whoever it is. */
    async join(interactionId: string, leg: { id: string }, agentId: string | null): Promise<void> {
      const row = open.get(interactionId);
      if (!row || row.layout.some((entry) => entry.leg === leg.id)) return;
      const stream = Math.max(...row.layout.map((entry) => entry.stream)) + 1;
      row.layout.push({ stream, leg: leg.id, side: 'right', agentId, from: clock.now().toISOString() });
      await recorder
        .addToRecording(row.id, leg.id, stream)
        .catch((error) => failed(row, 'a party could not join a recording', error));
      void save(row);
    },

    /** By hand: `start` overrides the rules. */
    async control(call: RecordedCall, mode: 'start' | 'stop' | 'pause' | 'resume', why: string): Promise<OnOff> {
      const row = open.get(call.interactionId);
      if (mode === 'start' && !row) return stateOf(await start(call, null));
      if (mode === 'stop') {
        await end(call.interactionId);
        return 'off';
      }
      if (row && mode !== 'start') {
        await (mode === 'pause' ? pause : resume)(row, why).catch((error) =>
          failed(row, `a recording did not ${mode}`, error),
        );
      }
      return stateOf(open.get(call.interactionId));
    },

    end,

    state: (interactionId: string): OnOff => stateOf(open.get(interactionId)),

    /** What the caller hears before being recorded, as media names; empty when no announcement is asked for. */
    announcement(call: RuleQuestion & { interactionId?: string }, language: string): string[] {
      const rule = ruleFor(rules, call);
      if (!rule?.announcement || rule.mode === 'never') return [];
      if (call.interactionId && !isRecorded(rule, call.interactionId)) return [];
      return sound(rule.announcement, language);
    },

    reconcile,

    /** Resolves when every ended recording is committed and handed to its job. */
    async flushed(): Promise<void> {
      while (handingOver.size > 0) await Promise.all(handingOver);
    },

    close(): void {
      for (const stop of ends.splice(0)) stop();
      reload.stop();
    },
  };
}

function lastWritten(file: string): Date | undefined {
  try {
    return statSync(file).mtime;
  } catch {
    return undefined;
  }
}
