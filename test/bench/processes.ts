// What a process and all its descendants use, from /proc.
import { readdirSync, readFileSync } from 'node:fs';

export interface Usage {
  rssMib: number;
  /** Its own, without what it shares with others or has from files. */
  memoryMib: number;
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

export interface Process {
  pid: number;
  /** Our own processes by what they are, several of a kind numbered; services by program, all their processes under one name. */
  name: string;
  node: boolean;
  usage: Usage;
}

/** A process and its descendants, the eldest first. */
export function processesOf(pid: number): Process[] {
  const seen = new Map<string, number>();
  return treeOf(pid).flatMap((one): Process[] => {
    const usage = usageOf(one);
    const words = read(`/proc/${one}/cmdline`).split('\0').filter(Boolean);
    if (!usage || words.length === 0) return [];
    const node = words[0]!.endsWith('/node');
    if (!node) return [{ pid: one, name: words[0]!.split(/[ :]/)[0]!.split('/').at(-1)!, node, usage }];
    const role = words.some((word) => word.endsWith('/main.ts')) ? words.at(-1)! : words.at(-1)!.split('/').at(-1)!;
    const count = (seen.get(role) ?? 0) + 1;
    seen.set(role, count);
    return [{ pid: one, name: count > 1 ? `${role} ${count}` : role, node, usage }];
  });
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
  return {
    rssMib: Math.round(field('VmRSS') / 1024),
    memoryMib: field('RssAnon') / 1024,
    descriptors,
    threads: field('Threads'),
  };
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
