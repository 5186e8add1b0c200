// RTP worker thread: owns its slots, their ports, players and mixes. Nothing here waits for anything.
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '#appliance/kernel/errors.ts';
import { LegTable } from './leg-table.ts';
import type { PortPair, ThreadMessage, WorkerHealth, WorkerRequest, WorkerSetup } from './messages.ts';
import { Outbox } from './outbox.ts';
import { Prompts } from './prompts.ts';
import { Ring } from './ring.ts';
import { Scheduler } from './scheduler.ts';
import { Switchboard } from './switchboard.ts';
import { UdpPort } from './transport.ts';

const main = parentPort!;
const setup = workerData as WorkerSetup;
const outbox = new Outbox<ThreadMessage>((messages) => main.postMessage(messages));
const scheduler = new Scheduler();
const adopted = new Map<number, { rtp: UdpPort; rtcp: UdpPort }>();
const bySlot = new Map<number, PortPair>();

const switchboard = new Switchboard({
  table: new LegTable(setup.table),
  ring: new Ring(setup.ring),
  prompts: new Prompts(setup.promptDir),
  scheduler,
  ports: (slot) => adopt(bySlot.get(slot)),
  tell: (event, data) => post({ event, data }),
});

main.on('message', (messages: { n: number; request: WorkerRequest }[]) => {
  for (const { n, request } of messages) {
    handle(request).then(
      (ok) => post({ n, ok }),
      (error: unknown) => post({ n, error: messageOf(error) }),
    );
  }
});

// The request is carried out at once, up to its first wait: requests keep their order.
async function handle(request: WorkerRequest): Promise<unknown> {
  switch (request.op) {
    case 'begin':
      return begin(request);
    case 'create':
      return switchboard.create(request.leg, request.slot, request.settings);
    case 'update':
      return switchboard.update(request.leg, request.settings);
    case 'delete':
      return switchboard.delete(request.leg);
    case 'hand-over':
      bySlot.delete(request.slot);
      return switchboard.handOver(request.leg);
    case 'take-over':
      return takeOver(request);
    case 'route':
      return switchboard.route(request.routes);
    case 'block':
      return switchboard.block(request.leg, request.blocked);
    case 'digits':
      return switchboard.sendDigits(request.leg, request.digits);
    case 'record':
      return switchboard.record(request.leg, request.recording, request.stream);
    case 'end-recording':
      return switchboard.endRecording(request.recording);
    case 'stats':
      return switchboard.stats(request.leg);
    case 'health':
      return health();
  }
}

/** Legs of a former process first: their parties are waiting. */
async function begin({ ports, restore, routes }: Extract<WorkerRequest, { op: 'begin' }>): Promise<void> {
  for (const pair of ports) bySlot.set(pair.slot, pair);
  for (const { leg, slot } of restore) switchboard.restore(leg, slot, true);
  // Bridges need no disk: they are back at once, prompts follow.
  const playing = routes.filter(({ hear }) => hear.kind === 'play');
  const rest = routes.filter(({ hear }) => hear.kind !== 'play');
  for (const route of rest) await switchboard.route([route], true).catch(() => undefined);
  scheduler.start();
  for (const route of playing) await switchboard.route([route], true).catch(() => undefined);
  setInterval(() => switchboard.housekeeping(), 1000);
  adoptRest([...bySlot.values()]);
}

function takeOver({ leg, pair, hear }: Extract<WorkerRequest, { op: 'take-over' }>): Promise<void> {
  bySlot.set(pair.slot, pair);
  const here = adopted.get(pair.slot);
  if (here) for (const port of [here.rtp, here.rtcp]) port.resume();
  switchboard.restore(leg, pair.slot, false);
  return switchboard.route([{ leg, hear }], true);
}

function adopt(pair: PortPair | undefined): { rtp: UdpPort; rtcp: UdpPort } {
  if (!pair) throw new Error('no such port');
  let ports = adopted.get(pair.slot);
  if (!ports) {
    ports = { rtp: UdpPort.adopt(pair.rtpFd, setup.address), rtcp: UdpPort.adopt(pair.rtcpFd, setup.address) };
    adopted.set(pair.slot, ports);
  }
  return ports;
}

/** Ports without a leg are read too, and forgotten: nothing old waits in them when a call gets them. A few at a time. */
function adoptRest(pairs: PortPair[]): void {
  for (const pair of pairs.splice(0, 20)) if (bySlot.has(pair.slot)) adopt(pair);
  if (pairs.length) setTimeout(() => adoptRest(pairs), 10);
}

function health(): WorkerHealth {
  const { lateMaxMs } = scheduler;
  scheduler.lateMaxMs = 0;
  return { legs: switchboard.size, tickers: scheduler.size, tickLateMaxMs: lateMaxMs };
}

function post(message: ThreadMessage): void {
  outbox.add(message);
}
