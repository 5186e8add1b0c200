// What sipp wrote down: response times (-trace_rtt) and messages with their times (-trace_msg).

export function percentile(values: number[], p: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.max(0, Math.round((p / 100) * sorted.length + 0.5) - 1))];
  return value === undefined ? null : Math.round(value * 10) / 10;
}

/** Milliseconds from INVITE to 200. */
export function answerTimes(csv: string): number[] {
  return csv
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => Number(line.split(';')[1]))
    .filter((ms) => Number.isFinite(ms));
}

/** Milliseconds from an agent's BYE to the INVITE that brings the same agent the next caller. */
export function freeTimes(log: string): number[] {
  const found: number[] = [];
  const freed = new Map<string, number>();
  const seen = new Set<string>();
  for (const part of log.split(/^-{20,} /m)) {
    const at = /^(\d{4}-\d{2}-\d{2})[ \t](\d{2}:\d{2}:\d{2}\.\d+)/.exec(part);
    const request = /^(INVITE|BYE) (sip:[^ ]+) SIP\/2\.0/m.exec(part);
    if (!at || !request) continue;
    const callId = /^Call-ID:\s*(\S+)/im.exec(part)?.[1] ?? '';
    const key = `${request[1]} ${callId}`;
    if (seen.has(key)) continue; // repeated over UDP
    seen.add(key);
    const ms = Date.parse(`${at[1]}T${at[2]!.slice(0, 12)}Z`) + Number(`0.${at[2]!.slice(12) || 0}`);
    if (request[1] === 'BYE') {
      const agent = /^From:.*?sip:([^@>]+)@/im.exec(part)?.[1];
      if (agent) freed.set(agent, ms);
    } else {
      const agent = /sip:([^@]+)@/.exec(request[2]!)?.[1] ?? '';
      const since = freed.get(agent);
      freed.delete(agent);
      if (since !== undefined) found.push(ms - since);
    }
  }
  return found;
}
