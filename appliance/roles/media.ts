// The role `media`: this process holds the RTP ports, its children switch.
import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from '#appliance/platform/config/index.ts';
import { Holder, type MediaLog } from '#appliance/telephony/media/holder.ts';
import type { StartRole } from './context.ts';

export const start: StartRole = ({ config, log }) =>
  startMedia({
    socketPath: config.paths.mediaSocket,
    promptDir: config.paths.prompts,
    recordingDir: config.paths.spool,
    stateFile: stateFile(config),
    ports: { first: config.rtpPorts.from, last: config.rtpPorts.to },
    workers: config.mediaWorkers,
    address: config.bind,
    log,
  });

export interface MediaRoleConfig {
  socketPath: string;
  promptDir: string;
  recordingDir: string;
  /** On tmpfs if there is one: it is written several times a second. */
  stateFile: string;
  /** Default 30000-39999. */
  ports?: { first: number; last: number };
  /** Default 1000, or as many as the ports allow. */
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
  const legs = config.legs ?? Math.max(1, Math.min(1000, Math.floor(pairs * 0.9)));
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
