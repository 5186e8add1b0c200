// The main thread of `media`: gives out ports, hands requests to the workers and the recorder, keeps what a successor must know.
// No audio passes here.
import { oneAtATime } from '#appliance/kernel/async.ts';
import type { LegStats, MediaEvents } from './api.ts';
import { LegTable } from './leg-table.ts';
import type {
  MediaHealth,
  PortPair,
  RecorderHealth,
  RecorderRequest,
  WorkerHealth,
  WorkerRequest,
} from './messages.ts';
import { monoMs } from './mono.ts';
import type { HearRequest, Request } from './protocol.ts';
import { type Recording, Recordings } from './recordings.ts';
import { Ring } from './ring.ts';
import { Slots } from './slots.ts';
import { bootId, StateFile, type StatePage } from './state-file.ts';
import { Thread } from './threads.ts';
import { commonWorker, joinedWith } from './together.ts';

export interface SwitchConfig {
  address: string;
  ports: PortPair[];
  workers: number;
  promptDir: string;
  recordingDir: string;
  stateFile: string;
}

type Op<K extends Request['op']> = Extract<Request, { op: K }>;
type EventSink = <K extends keyof MediaEvents>(event: K, data: MediaEvents[K]) => void;

interface Route {
  hear: HearRequest;
  sinceMs: number;
  /** As it stands in the state file. */
  line?: string;
}

const RING_BYTES = 16 << 20; // at 300 recorded calls, three seconds of a disk that stands still

export class MediaSwitch {
  readonly #config: SwitchConfig;
  readonly #table: LegTable;
  readonly #workers: Thread<WorkerRequest>[];
  readonly #recorder: Thread<RecorderRequest>;
  readonly #tell: EventSink;
  readonly #routes = new Map<string, Route>();
  readonly #boot = bootId();
  readonly #inTurn = oneAtATime();
  readonly #recordings: Recordings;
  /** Legs and recordings that the state file does not have as they are. */
  readonly #changedLegs = new Set<string>();
  readonly #changedRecordings = new Set<string>();
  #slots: Slots;
  #state: StateFile | undefined;

  constructor(config: SwitchConfig, tell: EventSink, onDeath: (error: Error) => void) {
    this.#config = config;
    this.#tell = tell;
    const { ports, workers: count } = config;
    const table = LegTable.allocate(ports.length);
    this.#table = new LegTable(table);
    this.#slots = new Slots(ports.length, count, []);
    this.#recordings = new Recordings(config.recordingDir);
    const rings = Array.from({ length: count }, () => Ring.allocate(RING_BYTES));
    const onEvent = ({ event, data }: { event: keyof MediaEvents; data: MediaEvents[keyof MediaEvents] }) => {
      this.#heard(event, data);
    };
    this.#recorder = new Thread(new URL('recorder.ts', import.meta.url), { rings }, onEvent, onDeath);
    this.#workers = rings.map((ring) => {
      const setup = { table, ring, address: config.address, promptDir: config.promptDir };
      return new Thread(new URL('worker.ts', import.meta.url), setup, onEvent, onDeath);
    });
  }

  /** Threads are up and modules loaded. */
  async warm(): Promise<void> {
    const health = { op: 'health' } as const;
    await Promise.all([this.#recorder.ask(health), ...this.#workers.map((worker) => worker.ask(health))]);
  }

  /** Starts to read the ports, with whatever a predecessor left. @returns the legs that are there again. */
  async begin(): Promise<string[]> {
    const { stateFile, ports } = this.#config;
    const page = StateFile.read(stateFile, this.#table, ports);
    const legs = page?.legs ?? [];
    this.#slots = new Slots(ports.length, this.#workers.length, legs);
    for (const { leg, worker } of legs) this.#slots.move(leg, Math.min(worker, this.#workers.length - 1));
    const nowMs = monoMs();
    for (const { leg, hear, sinceMs } of legs)
      this.#routes.set(leg, { hear: resumed(hear, nowMs - sinceMs), sinceMs: nowMs });
    const reopened = Promise.all((page?.recordings ?? []).map((recording) => this.#reopen(recording)));
    await Promise.all(
      this.#workers.map((worker, i) => {
        const restored = legs.filter(({ slot }) => this.#slots.workerOfSlot(slot) === i);
        const routes = restored.map(({ leg }) => ({ leg, hear: this.#routes.get(leg)!.hear }));
        const own = ports.filter(({ slot }) => this.#slots.workerOfSlot(slot) === i);
        return worker.ask({
          op: 'begin',
          ports: own,
          restore: restored.map(({ leg, slot }) => ({ leg, slot })),
          routes,
        });
      }),
    );
    await reopened;
    this.#state = new StateFile(stateFile, this.#table, {
      page: () => this.#page(),
      legs: () => this.#slots.size,
      changes: () => this.#changes(),
    });
    await this.#state.touch();
    return legs.map(({ leg }) => leg);
  }

  get legs(): string[] {
    return this.#slots.legs;
  }

  async handle(request: Request): Promise<unknown> {
    const result = await this.#handle(request);
    if (request.op === 'stats' || request.op === 'list' || request.op === 'health') return result;
    if ('leg' in request) this.#changedLegs.add(request.leg);
    if ('recording' in request) this.#changedRecordings.add(request.recording);
    // What was acknowledged is known to a successor, too: a blocked leg stays blocked.
    await this.#state?.touch();
    return result;
  }

  /** Everything to disk; legs and recordings stay for a successor. */
  async stop(): Promise<void> {
    await this.#recorder.ask({ op: 'flush' });
    this.#state?.close();
    this.#state = undefined;
  }

  #handle(request: Request): Promise<unknown> {
    switch (request.op) {
      case 'leg.create':
        return this.#create(request);
      case 'leg.update':
        return this.#worker(request.leg).ask({ op: 'update', leg: request.leg, settings: request });
      case 'leg.delete':
        return this.#delete(request.leg);
      case 'route':
        return this.#route(request);
      case 'digits.block':
        return this.#worker(request.leg).ask({ op: 'block', leg: request.leg, blocked: request.blocked });
      case 'digits.send':
        return this.#worker(request.leg).ask({ op: 'digits', leg: request.leg, digits: request.digits });
      case 'recording.start':
        return this.#startRecording(request);
      case 'recording.add':
        return this.#join(this.#recordings.need(request.recording), request.leg, request.stream);
      case 'recording.mark':
        return this.#mark(this.#recordings.need(request.recording), request.mark);
      case 'recording.pause':
      case 'recording.resume':
        return this.#pause(this.#recordings.need(request.recording), request.op === 'recording.pause');
      case 'recording.stop':
        return this.#stopRecording(request.recording);
      case 'stats': {
        const worker = this.#slots.worker(request.leg);
        return worker === undefined ? nothing() : this.#workers[worker]!.ask({ op: 'stats', leg: request.leg });
      }
      case 'list':
        return Promise.resolve({
          legs: this.#slots.legs,
          recordings: this.#recordings.all.map(({ recording }) => recording),
        });
      case 'health':
        return this.#health();
    }
  }

  async #create(request: Op<'leg.create'>): Promise<{ port: number }> {
    const { leg } = request;
    const known = this.#slots.slot(leg);
    const slot = known ?? this.#slots.take(leg, request.near);
    try {
      await this.#worker(leg).ask({ op: 'create', leg, slot, settings: request });
    } catch (error) {
      if (known === undefined) this.#slots.release(leg); // nothing stays allocated
      throw error;
    }
    if (!this.#routes.has(leg)) this.#routes.set(leg, { hear: { kind: 'none' }, sinceMs: monoMs() });
    return { port: this.#config.ports[slot]!.port };
  }

  async #delete(leg: string): Promise<LegStats | undefined> {
    const worker = this.#slots.worker(leg);
    if (worker === undefined) return undefined;
    const recording = this.#recordings.of(leg);
    if (recording) {
      const stream = recording.legs.get(leg);
      recording.legs.delete(leg);
      this.#changedRecordings.add(recording.recording);
      await this.#mark(recording, { left: leg, stream });
    }
    const stats = (await this.#workers[worker]!.ask({ op: 'delete', leg })) as LegStats | undefined;
    this.#slots.release(leg);
    this.#routes.delete(leg);
    for (const [other, route] of this.#routes) {
      if (route.hear.kind === 'leg' && route.hear.leg === leg) this.#hears(other, silent());
    }
    return stats;
  }

  async #route({ routes }: Op<'route'>): Promise<void> {
    for (const { leg, hear } of routes) {
      this.#worker(leg);
      if (hear.kind === 'leg') this.#worker(hear.leg);
    }
    const moved = this.#workers.length > 1 ? await this.#inTurn(() => this.#together(routes)) : [];
    const byWorker = new Map<Thread<WorkerRequest>, typeof routes>();
    for (const route of [...moved, ...routes]) {
      const worker = this.#worker(route.leg);
      byWorker.set(worker, [...(byWorker.get(worker) ?? []), route]);
    }
    await Promise.all([...byWorker].map(([worker, own]) => worker.ask({ op: 'route', routes: own })));
    const sinceMs = monoMs();
    for (const { leg, hear } of routes) if (this.#slots.slot(leg) !== undefined) this.#hears(leg, { hear, sinceMs });
  }

  #hears(leg: string, route: Route): void {
    this.#routes.set(leg, route);
    this.#changedLegs.add(leg);
  }

  /** Moves legs so that all that will be joined are in one worker. A move costs a millisecond; the kernel queues meanwhile. */
  async #together(routes: Op<'route'>['routes']): Promise<Op<'route'>['routes']> {
    const moved: Op<'route'>['routes'] = [];
    if (routes.every((route) => this.#staysTogether(route))) return moved;
    const asked = new Set(routes.map(({ leg }) => leg));
    const hears = new Map([...this.#routes].map(([leg, { hear }]) => [leg, hear]));
    for (const { leg, hear } of routes) hears.set(leg, hear);
    for (const { leg } of routes) {
      const group = [...joinedWith([leg], hears)].filter((member) => this.#slots.slot(member) !== undefined);
      const target = commonWorker(group.map((member) => this.#slots.worker(member)!));
      for (const member of group) {
        if (this.#slots.worker(member) === target) continue;
        await this.#move(member, target);
        const hear = hears.get(member);
        if (hear && !asked.has(member) && (hear.kind === 'leg' || hear.kind === 'mix'))
          moved.push({ leg: member, hear });
      }
    }
    return moved;
  }

  /** Whoever is joined is in one worker already: only a join across workers moves anybody. */
  #staysTogether({ leg, hear }: Op<'route'>['routes'][number]): boolean {
    if (hear.kind === 'mix') return false;
    return hear.kind !== 'leg' || this.#slots.worker(leg) === this.#slots.worker(hear.leg);
  }

  async #move(leg: string, target: number): Promise<void> {
    const slot = this.#slots.slot(leg)!;
    const pair = this.#config.ports[slot]!;
    await this.#worker(leg).ask({ op: 'hand-over', leg, slot });
    this.#slots.move(leg, target);
    delete this.#routes.get(leg)?.line;
    this.#changedLegs.add(leg);
    const current = this.#routes.get(leg);
    const keeps = current?.hear.kind === 'play' ? resumed(current.hear, monoMs() - current.sinceMs) : undefined;
    // What it hears of other legs follows when all of them have moved.
    await this.#workers[target]!.ask({ op: 'take-over', leg, pair, hear: keeps ?? { kind: 'none' } });
  }

  async #startRecording(request: Op<'recording.start'>): Promise<void> {
    for (const { leg } of request.legs) this.#worker(leg);
    let recording = this.#recordings.get(request.recording);
    if (!recording) {
      const { meta } = request;
      recording = this.#recordings.add(request.recording, request.file, meta);
      const { number, file } = recording;
      try {
        await this.#recorder.ask({ op: 'open', number, recording: request.recording, file, meta, paused: false });
      } catch (error) {
        this.#recordings.remove(request.recording);
        throw error;
      }
    }
    for (const { leg, stream } of request.legs) await this.#join(recording, leg, stream);
  }

  async #join(recording: Recording, leg: string, stream: number): Promise<void> {
    const worker = this.#worker(leg);
    if (recording.legs.get(leg) === stream) return;
    const former = this.#recordings.of(leg);
    former?.legs.delete(leg);
    if (former) this.#changedRecordings.add(former.recording);
    recording.legs.set(leg, stream);
    this.#changedLegs.add(leg);
    await this.#mark(recording, { joined: leg, stream });
    await worker.ask({ op: 'record', leg, recording: recording.number, stream });
  }

  #mark(recording: Recording, mark: unknown): Promise<unknown> {
    return this.#recorder.ask({ op: 'mark', number: recording.number, mark });
  }

  async #pause(recording: Recording, paused: boolean): Promise<void> {
    recording.paused = paused;
    await this.#recorder.ask({ op: 'pause', number: recording.number, paused });
  }

  async #stopRecording(name: string): Promise<void> {
    const recording = this.#recordings.get(name);
    if (!recording) return; // stopped before: the request was repeated
    this.#recordings.remove(name);
    const { number } = recording;
    await Promise.all(this.#workers.map((worker) => worker.ask({ op: 'end-recording', recording: number })));
    await this.#recorder.ask({ op: 'close', number });
  }

  async #reopen(former: StatePage['recordings'][number]): Promise<void> {
    const { recording, number, file, meta, paused } = former;
    this.#recordings.adopt({ ...former, meta, legs: new Map(former.legs.map(({ leg, stream }) => [leg, stream])) });
    const mark = { gap: 'restart', at: new Date().toISOString() };
    try {
      await this.#recorder.ask({ op: 'open', number, recording, file, meta, paused, mark });
    } catch (error) {
      this.#recordings.remove(recording);
      this.#tell('recording-failed', { recording, error: error instanceof Error ? error.message : String(error) });
    }
  }

  #heard(event: keyof MediaEvents, data: MediaEvents[keyof MediaEvents]): void {
    if (event === 'played') {
      const { leg } = data as MediaEvents['played'];
      if (this.#routes.has(leg)) this.#hears(leg, silent());
      void this.#state?.touch();
    }
    this.#tell(event, data as never);
  }

  #worker(leg: string): Thread<WorkerRequest> {
    const worker = this.#slots.worker(leg);
    if (worker === undefined) throw new Error(`no leg ${leg}`);
    return this.#workers[worker]!;
  }

  async #health(): Promise<MediaHealth> {
    const ask = { op: 'health' } as const;
    return {
      legs: this.#slots.size,
      ports: this.#config.ports.length,
      workers: (await Promise.all(this.#workers.map((worker) => worker.ask(ask)))) as WorkerHealth[],
      busy: this.#workers.map((worker) => worker.busy),
      recorder: (await this.#recorder.ask(ask)) as RecorderHealth,
    };
  }

  #page(): string {
    const legs = [...this.#routes.keys()].map((leg) => this.#legLine(leg)).filter((line) => line !== undefined);
    const rest: Omit<StatePage, 'legs'> = { boot: this.#boot, recordings: this.#recordings.all.map(saved) };
    return `{"legs":[${legs.join(',')}],${JSON.stringify(rest).slice(1)}`;
  }

  #changes(): { lines: string[]; slots: number[] } {
    const lines: string[] = [];
    const slots: number[] = [];
    for (const leg of this.#changedLegs) {
      const slot = this.#slots.slot(leg);
      if (slot !== undefined) slots.push(slot);
      lines.push(this.#legLine(leg) ?? JSON.stringify({ noLeg: leg }));
    }
    for (const name of this.#changedRecordings) {
      const recording = this.#recordings.get(name);
      lines.push(JSON.stringify(recording ? saved(recording) : { noRecording: name }));
    }
    this.#changedLegs.clear();
    this.#changedRecordings.clear();
    return { lines, slots };
  }

  #legLine(leg: string): string | undefined {
    const slot = this.#slots.slot(leg);
    const route = this.#routes.get(leg);
    if (slot === undefined || !route) return undefined;
    const { port } = this.#config.ports[slot]!;
    const worker = this.#slots.workerOfSlot(slot);
    route.line ??= JSON.stringify({ leg, slot, port, worker, hear: route.hear, sinceMs: route.sinceMs });
    return route.line;
  }
}

function saved(recording: Recording): StatePage['recordings'][number] {
  return { ...recording, legs: [...recording.legs].map(([leg, stream]) => ({ leg, stream })) };
}

function silent(): Route {
  return { hear: { kind: 'none' }, sinceMs: monoMs() };
}

function nothing(): Promise<undefined> {
  return Promise.resolve(undefined);
}

/** A prompt goes on where it would be by now. */
function resumed(hear: HearRequest, elapsedMs: number): HearRequest {
  return hear.kind === 'play' ? { ...hear, fromMs: (hear.fromMs ?? 0) + Math.max(0, elapsedMs) } : hear;
}
