import type { Config } from '#appliance/platform/config/index.ts';
import type { HealthReporter } from '#appliance/platform/health/index.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Metrics } from '#appliance/platform/metrics/index.ts';

export const ROLES = ['media', 'voice', 'work', 'web'] as const;
export type Role = (typeof ROLES)[number];

/** What main.ts hands to `start` of roles/<role>.ts. */
export interface RoleContext {
  config: Config;
  log: Log;
  role: Role;
  /** Name of this box; `voice` answers the bus address `voice:${instance}`. */
  instance: string;
  /** A role is 'ok' once its start has resolved; it says so here when that changes. */
  health: HealthReporter;
  /** Already published to where `GET /metrics` finds them. */
  metrics: Metrics;
}

export interface RunningRole {
  /** Stops taking new work, finishes what is under way within the time that systemd gives, closes everything. */
  stop(): Promise<void>;
}

export type StartRole = (context: RoleContext) => Promise<RunningRole>;
