import type { Config } from '#appliance/platform/config/index.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import type { Secrets } from '#appliance/platform/secrets/index.ts';

/** first-run.json, word for word as tools read it. */
export interface FirstRun {
  url: string;
  users: Record<string, { password: string; extension?: string; sipPassword?: string }>;
  trunk: { host: string; port: number };
  dids: { main: string; sales: string; support: string };
}

/** What a seed works with: the migrated database of an empty data folder; no role runs yet. */
export interface SeedContext {
  config: Config;
  db: Database;
  log: Log;
  secrets: Secrets;
  /** A line of progress for the person at the terminal. */
  say(text: string): void;
}

/**
 * Makes the demo data through the domains' services and returns what first-run.json says. Called again after a start
 * that was interrupted: what is there already is found, not made twice.
 */
export type SeedDemo = (context: SeedContext) => Promise<FirstRun>;
