import type { Clock } from './clock.ts';

export interface RereadOptions {
  clock: Pick<Clock, 'after'>;
  read(): Promise<void>;
  /** Each time it could not be read; the next attempt comes by itself. */
  failed?(error: unknown, againInMs: number): void;
}

export interface Reread {
  /** Now, or right after the read that is under way: what changed meanwhile is never missed. */
  (): void;
  stop(): void;
}

const AGAIN_MS = [250, 500, 1000, 2000, 5000];

/**
 * What is kept in memory is read again when somebody says that it changed, and until that has worked: a database that
 * starts again, or is away for a while, must not leave this process with the configuration of yesterday.
 */
export function createReread({ clock, read, failed }: RereadOptions): Reread {
  let reading = false;
  let asked = false;
  let failures = 0;
  let stopped = false;
  let cancel: (() => void) | undefined;

  function now(): void {
    cancel?.();
    cancel = undefined;
    if (stopped) return;
    if (reading) {
      asked = true;
      return;
    }
    reading = true;
    asked = false;
    read().then(
      () => {
        reading = false;
        failures = 0;
        if (asked) now();
      },
      (error: unknown) => {
        reading = false;
        const againInMs = AGAIN_MS[Math.min(failures++, AGAIN_MS.length - 1)]!;
        if (stopped) return;
        failed?.(error, againInMs);
        cancel = clock.after(againInMs, now);
      },
    );
  }

  return Object.assign(now, {
    stop() {
      stopped = true;
      cancel?.();
    },
  });
}
