// A whole switch for tests: holder, processes, client, in a folder of its own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MediaEvents } from '../api.ts';
import { createMediaClient, type MediaWithHealth } from '../client.ts';
import { Holder, type HolderConfig } from '../holder.ts';
import { toneFile } from './phone.ts';

export interface TestSwitch {
  media: MediaWithHealth;
  holder: Holder;
  dir: string;
  events: { name: keyof MediaEvents; event: Record<string, unknown> }[];
  digits(leg: string, phase?: 'down' | 'up'): string;
  close(): Promise<void>;
}

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const NAMES = [
  'digit',
  'played',
  'latched',
  'silent',
  'restored',
  'connected',
  'disconnected',
  'recording-closed',
  'recording-failed',
] as const;

/** @param firstPort each test file has a stretch of 20000-23999 of its own. */
export async function testSwitch(firstPort: number, options: Partial<HolderConfig> = {}): Promise<TestSwitch> {
  const dir = mkdtempSync(join(tmpdir(), 'media-'));
  const promptDir = join(dir, 'prompts');
  const recordingDir = join(dir, 'recordings');
  const { mkdirSync } = await import('node:fs');
  mkdirSync(promptDir);
  mkdirSync(recordingDir);
  writeFileSync(join(promptDir, 'welcome.al'), toneFile(600, 400));
  writeFileSync(join(promptDir, 'menu.al'), toneFile(1500, 300));
  writeFileSync(join(promptDir, 'music.al'), toneFile(2200, 2000));
  const holder = new Holder({
    ports: { first: firstPort, last: firstPort + 499 },
    legs: 20,
    workers: 1,
    address: '0.0.0.0',
    socketPath: join(dir, 'media.sock'),
    promptDir,
    recordingDir,
    stateFile: join(dir, 'media.state'),
    log: quiet,
    ...options,
  });
  await holder.start();
  const media = createMediaClient({ socketPath: join(dir, 'media.sock'), log: quiet });
  const events: TestSwitch['events'] = [];
  for (const name of NAMES) media.on(name, (event) => events.push({ name, event: event as Record<string, unknown> }));
  await media.start();
  return {
    media,
    holder,
    dir,
    events,
    digits: (leg, phase = 'down') =>
      events
        .filter(({ name, event }) => name === 'digit' && event.leg === leg && event.phase === phase)
        .map(({ event }) => event.digit)
        .join(''),
    close: async () => {
      await media.stop();
      await holder.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
