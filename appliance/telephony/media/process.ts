// The `media` process: started by the holder with every port as an inherited descriptor. As a standby it has its threads and
// modules ready and touches nothing until the holder says `go`.
import { randomUUID } from 'node:crypto';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { MediaEvents } from './api.ts';
import { ControlServer } from './control-server.ts';
import { BEAT_MS } from './messages.ts';
import type { WireEvent } from './protocol.ts';
import { MediaSwitch, type SwitchConfig } from './switch.ts';

export interface ProcessConfig extends SwitchConfig {
  socketPath: string;
}

export type FromHolder = 'go';
export type ToHolder =
  | { say: 'warm' }
  | { say: 'up'; restored: number; tookMs: number }
  | { say: 'beat' }
  | { say: 'fatal'; error: string };

if (process.send) await main(JSON.parse(process.env.STRONGROOM_MEDIA_PROCESS ?? '{}') as ProcessConfig);

async function main(config: ProcessConfig): Promise<void> {
  process.on('SIGINT', () => undefined); // Ctrl-C reaches the whole group: the holder decides
  const go = new Promise<void>((resolve) => {
    process.once('message', () => resolve());
  });
  const generation = randomUUID();
  const media = new MediaSwitch(config, (event, data) => server.tell(wire(event, data)), fatal);
  const server = new ControlServer(
    (request) => media.handle(request),
    () => ({ event: 'hello', generation, legs: media.legs }),
  );
  const end = () => {
    server.close();
    media.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', end);
  process.on('disconnect', end); // the holder has gone: its successor wants the ports
  await media.warm();
  tell({ say: 'warm' });
  await go;
  const startedMs = performance.now();
  const restored = await media.begin();
  await server.listen(config.socketPath);
  tell({ say: 'up', restored: restored.length, tookMs: Math.round(performance.now() - startedMs) });
  setInterval(() => tell({ say: 'beat' }), BEAT_MS).unref();
}

function wire<K extends keyof MediaEvents>(event: K, data: MediaEvents[K]): WireEvent {
  return { event, ...data } as unknown as WireEvent;
}

function tell(message: ToHolder): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined); // the holder may just be going
}

function fatal(error: unknown): void {
  tell({ say: 'fatal', error: messageOf(error) });
  setTimeout(() => process.exit(1), 10);
}
