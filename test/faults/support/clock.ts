import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Stands between a program and the C library: the time of day is off by what the file says; monotonic clocks are not. */
const SHIM = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static long none, *offset = &none;
__attribute__((constructor)) static void begin(void) {
  const char *file = getenv("STEPPED_CLOCK");
  int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *at = mmap(0, sizeof(long), PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (at != MAP_FAILED) offset = at;
}
int clock_gettime(clockid_t id, struct timespec *ts) {
  int result = syscall(SYS_clock_gettime, id, ts);
  if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) ts->tv_sec += *(volatile long *)offset;
  return result;
}
int gettimeofday(struct timeval *tv, void *zone) {
  struct timespec ts;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &ts);
  tv->tv_sec = ts.tv_sec;
  tv->tv_usec = ts.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *out) {
  struct timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  if (out) *out = ts.tv_sec;
  return ts.tv_sec;
}
`;

/** The time of day as one instance sees it; the machine's own stays. Needs a C compiler. */
export class SteppedClock {
  readonly env: Record<string, string>;
  readonly #dir: string;
  readonly #file: string;

  private constructor(dir: string, file: string, library: string) {
    this.#dir = dir;
    this.#file = file;
    this.env = { LD_PRELOAD: library, STEPPED_CLOCK: file };
  }

  /** Undefined where there is no compiler. */
  static make(): SteppedClock | undefined {
    const dir = mkdtempSync(join(tmpdir(), 'stepped-clock-'));
    chmodSync(dir, 0o755);
    const [source, library, file] = [join(dir, 'shim.c'), join(dir, 'shim.so'), join(dir, 'offset')];
    writeFileSync(source, SHIM);
    writeFileSync(file, Buffer.alloc(8), { mode: 0o644 });
    const { status } = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source]);
    if (status === 0) return new SteppedClock(dir, file, library);
    rmSync(dir, { recursive: true });
    return undefined;
  }

  /** So many seconds from the machine's clock; negative is the past. */
  set(seconds: number): void {
    const value = Buffer.alloc(8);
    value.writeBigInt64LE(BigInt(seconds));
    const fd = openSync(this.#file, 'r+');
    writeSync(fd, value, 0, 8, 0);
    closeSync(fd);
  }

  remove(): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
