// What the threads of the `media` process tell each other.
import type { MediaEvents } from './api.ts';
import type { RouteRequest, SettingsRequest } from './switchboard.ts';

/** So often the process that switches tells the holder that it turns. */
export const BEAT_MS = 500;

export interface PortPair {
  /** Position in the leg table. */
  slot: number;
  port: number;
  rtpFd: number;
  rtcpFd: number;
}

export interface WorkerSetup {
  table: SharedArrayBuffer;
  ring: SharedArrayBuffer;
  address: string;
  promptDir: string;
}

export type WorkerRequest =
  | { op: 'begin'; ports: PortPair[]; restore: { leg: string; slot: number }[]; routes: RouteRequest[] }
  | { op: 'create'; leg: string; slot: number; settings: SettingsRequest }
  | { op: 'update'; leg: string; settings: SettingsRequest }
  | { op: 'delete'; leg: string }
  /** Another worker will have this leg. */
  | { op: 'hand-over'; leg: string; slot: number }
  | { op: 'take-over'; leg: string; pair: PortPair; hear: RouteRequest['hear'] }
  | { op: 'route'; routes: RouteRequest[] }
  | { op: 'block'; leg: string; blocked: boolean }
  | { op: 'digits'; leg: string; digits: string }
  | { op: 'record'; leg: string; recording: number; stream: number }
  | { op: 'end-recording'; recording: number }
  | { op: 'stats'; leg: string }
  | { op: 'health' };

export interface WorkerHealth {
  legs: number;
  tickers: number;
  tickLateMaxMs: number;
}

export interface RecorderSetup {
  rings: SharedArrayBuffer[];
}

export type RecorderRequest =
  | { op: 'open'; number: number; recording: string; file: string; meta?: unknown; paused: boolean; mark?: unknown }
  | { op: 'mark'; number: number; mark: unknown }
  | { op: 'pause'; number: number; paused: boolean }
  | { op: 'close'; number: number }
  | { op: 'flush' }
  | { op: 'health' };

export interface RecorderHealth {
  open: number;
  dropped: number;
  slowestWriteMs: number;
}

export interface MediaHealth {
  legs: number;
  ports: number;
  workers: WorkerHealth[];
  /** Share of the time that each worker was busy since it began. */
  busy: number[];
  recorder: RecorderHealth;
}

/** From a thread to the main thread: an answer to request `n`, or an event. */
export type ThreadMessage =
  | { n: number; ok: unknown }
  | { n: number; error: string }
  | { event: keyof MediaEvents; data: MediaEvents[keyof MediaEvents] };
