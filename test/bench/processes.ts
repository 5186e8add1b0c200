// What a process and all its descendants use, from /proc.
import { readdirSync, readFileSync } from 'node:fs';

export interface Usage {
  rssMib: number;
  descriptors: number;
  threads: number;
}

const TICKS_PER_S = 100; // USER_HZ of Linux

/** Seconds of CPU, user and system, children that ended included. */
export function cpuSecondsOf(pid: number): number {
  let ticks = 0;
  for (const one of treeOf(pid)) {
    const fields = statOf(one);
    if (fields) for (const at of [11, 12, 13, 14]) ticks += Number(fields[at]);
  }
  return ticks / TICKS_PER_S;
}

export function residentMibOf(pid: number): number {
  return treeOf(pid).reduce((sum, one) => sum + (usageOf(one)?.rssMib ?? 0), 0);
}

export function descriptorsOf(pid: number): number {
  return treeOf(pid).reduce((sum, one) => sum + (usageOf(one)?.descriptors ?? 0), 0);
}

/** Of our own processes, by what they are; of the services, by program. */
export function usageByRole(pid: number): Record<string, Usage> {
  const found: Record<string, Usage> = {};
  for (const one of treeOf(pid)) {
    const usage = usageOf(one);
    const words = read(`/proc/${one}/cmdline`).split('\0').filter(Boolean);
    const name = /\.ts$/.test(words.at(-1) ?? '') ? words.at(-1)!.split('/').at(-1)! : words.at(-1)!;
    const role = words.some((word) => word.endsWith('main.ts')) ? words.at(-1)! : (words[0]?.split(/[ :]/)[0] ?? name);
    const key = role.includes('/node') ? name : role.split('/').at(-1)!;
    if (!usage || !key) continue;
    found[key] ??= { rssMib: 0, descriptors: 0, threads: 0 };
    const sum = found[key];
    sum.rssMib += usage.rssMib;
    sum.descriptors += usage.descriptors;
    sum.threads += usage.threads;
  }
  return found;
}

function usageOf(pid: number): Usage | undefined {
  const status = read(`/proc/${pid}/status`);
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  if (status === '') return undefined;
  let descriptors = 0;
  try {
    descriptors = readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    // another user's
  }
  return { rssMib: Math.round(field('VmRSS') / 1024), descriptors, threads: field('Threads') };
}

function treeOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const fields = /^\d+$/.test(entry) ? statOf(Number(entry)) : undefined;
    if (!fields) continue;
    const parent = Number(fields[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const found = [pid];
  for (const one of found) found.push(...(children.get(one) ?? []));
  return found;
}

/** The fields after the name, which may hold anything. */
function statOf(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
