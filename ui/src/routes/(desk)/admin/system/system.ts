/** `GET /system`. */
export interface SystemFacts {
  disk: { totalBytes: number; freeBytes: number } | null;
  memory: { totalBytes: number; freeBytes: number };
  load: number;
  upS: number;
  certificate: {
    subject: string;
    issuer: string;
    names: string;
    validFrom: string;
    validTo: string;
    /** The box's own authority made it and can renew it. */
    own: boolean;
  } | null;
  processes: { role: string; instance: string; status: string; eventLoopDelayMs: number; at: string }[];
}

export const daysUntil = (at: string, now = Date.now()): number =>
  Math.floor((new Date(at).getTime() - now) / 86_400_000);

const STEPS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** 12.3 GB, in the person's language. */
export function size(bytes: number, locale: string): string {
  const step = Math.min(STEPS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return new Intl.NumberFormat(locale, { style: 'unit', unit: STEPS[step]!, maximumFractionDigits: 1 }).format(
    bytes / 1000 ** step,
  );
}
