/** `GET /backups`. */
export interface Backups {
  plan: Plan;
  folder: string;
  sameDisk: boolean;
  nextAt: string | null;
  lastGoodAt: string | null;
  dataDir: string;
  items: Run[];
}

export interface Plan {
  version: number;
  enabled: boolean;
  atTime: string;
  folder: string | null;
  keep: number;
  verify: boolean;
  maxAgeH: number | null;
}

export interface Run {
  id: string;
  state: 'waiting' | 'running' | 'done' | 'failed';
  askedBy: string | null;
  askedAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  stage: string;
  share: number;
  file: string;
  bytes: number | null;
  rowCount: number | null;
  verified: boolean | null;
  said: string;
  there: boolean;
}

const HOUR_MS = 3_600_000;

export const isUnderWay = ({ state }: Pick<Run, 'state'>): boolean => state === 'waiting' || state === 'running';

/** How the box stands with its backups: fresh, too old by its own rule, or never. */
export function standing({ lastGoodAt, plan }: Backups, now: number): 'fresh' | 'old' | 'never' {
  if (lastGoodAt === null) return 'never';
  return plan.maxAgeH !== null && now - new Date(lastGoodAt).getTime() > plan.maxAgeH * HOUR_MS ? 'old' : 'fresh';
}

/** 5 minutes, 3 hours, 2 days: in the person's language. */
export function age(since: string, now: number, locale: string): string {
  const minutes = Math.max(0, Math.floor((now - new Date(since).getTime()) / 60_000));
  const [value, unit] =
    minutes < 120
      ? [minutes, 'minute']
      : minutes < 2 * 1440
        ? [Math.floor(minutes / 60), 'hour']
        : [Math.floor(minutes / 1440), 'day'];
  return new Intl.NumberFormat(locale, { style: 'unit', unit: unit as string, unitDisplay: 'long' }).format(
    value as number,
  );
}

/** What a person types on the machine; a path with a blank or a quote is quoted for the shell. */
export const restoreCommand = (file: string): string =>
  `npm run strongroom -- restore ${/^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`} --to NEW_FOLDER`;
