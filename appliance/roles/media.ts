// The role `media`: this process holds the RTP ports, its children switch.
import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { Config } from '#appliance/platform/config/index.ts';
import { Holder, type MediaLog } from '#appliance/telephony/media/holder.ts';
import { createMediaClient } from '#appliance/telephony/media/index.ts';
import type { MediaHealth } from '#appliance/telephony/media/messages.ts';
import type { StartRole } from './context.ts';

const WATCH_MS = 5000;

export const start: StartRole = async ({ config, log, health, metrics }) => {
  const { mediaSocket: socketPath, prompts: promptDir, spool: recordingDir } = config.paths;
  const role = await startMedia({
    socketPath,
    promptDir,
    recordingDir,
    stateFile: stateFile(config),
    ports: { first: config.rtpPorts.from, last: config.rtpPorts.to },
    workers: config.mediaWorkers,
    address: config.bind,
    log,
  });
  const legs = metrics.gauge('strongroom_media_legs', 'Legs in the switch.');
  const ports = metrics.gauge('strongroom_media_ports', 'Legs that the switch has ports for.');
  const late = metrics.gauge('strongroom_media_tick_late_seconds', 'Longest delay of the 20 ms schedule lately.');
  const dropped = metrics.gauge(
    'strongroom_media_recording_frames_dropped',
    'Frames lost because the disk stood still.',
  );
  const deaths = metrics.gauge('strongroom_media_deaths', 'How often the switch was replaced since the role started.');
  const watch = async () => {
    try {
      const now = await healthOf(socketPath, log);
      legs.set(now.legs);
      ports.set(now.ports);
      late.set(Math.max(...now.workers.map(({ tickLateMaxMs }) => tickLateMaxMs)) / 1000);
      dropped.set(now.recorder.dropped);
      deaths.set(role.holder.deaths);
      health.report('ok', role.holder.standbyReady ? '' : 'no standby yet');
    } catch (error) {
      health.report('degraded', messageOf(error));
    }
  };
  const timer = setInterval(() => void watch(), WATCH_MS);
  return {
    async stop() {
      clearInterval(timer);
      await role.stop();
    },
  };
};

/** A client that stays would be told of every event of every call. */
async function healthOf(socketPath: string, log: MediaLog): Promise<MediaHealth> {
  const client = createMediaClient({ socketPath, log });
  try {
    await client.start();
    return await client.health();
  } finally {
    await client.stop();
  }
}

export interface MediaRoleConfig {
  socketPath: string;
  promptDir: string;
  recordingDir: string;
  /** On tmpfs if there is one: it is written several times a second. */
  stateFile: string;
  /** Default 30000-39999. */
  ports?: { first: number; last: number };
  /** Default 1600, or as many as the ports allow. */
  legs?: number;
  /** One worker carries some 300 bridged calls. Default 1. */
  workers?: number;
  /** Default 0.0.0.0. */
  address?: string;
  log: MediaLog;
}

export interface MediaRole {
  stop(): Promise<void>;
  readonly holder: Holder;
}

/** Resolves when the switch takes requests at `socketPath`. */
export async function startMedia(config: MediaRoleConfig): Promise<MediaRole> {
  for (const dir of [dirname(config.socketPath), dirname(config.stateFile), config.promptDir, config.recordingDir]) {
    mkdirSync(dir, { recursive: true });
  }
  const { ports = { first: 30_000, last: 39_999 }, workers = 1, address = '0.0.0.0' } = config;
  const pairs = Math.floor((ports.last - ports.first + 1) / 2);
  const legs = config.legs ?? Math.max(1, Math.min(1600, Math.floor(pairs * 0.9)));
  const holder = new Holder({ ...config, ports, legs, workers, address });
  await holder.start();
  return { stop: () => holder.stop(), holder };
}

/** Written several times a second: in memory where the system has a place for that. One per data folder. */
function stateFile(config: Config): string {
  const name = `strongroom-media-${createHash('sha256').update(config.dataDir).digest('hex').slice(0, 16)}.state`;
  try {
    accessSync('/dev/shm', constants.W_OK);
    return join('/dev/shm', name);
  } catch {
    return join(config.paths.run, name);
  }
}
