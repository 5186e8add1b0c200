import { createInteractions } from '#appliance/interactions/index.ts';
import { systemClock } from '#appliance/kernel/clock.ts';
import { isUuid } from '#appliance/kernel/ids.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { createBatch } from '#appliance/platform/postgres/index.ts';
import { Problem } from '../supervisor/problem.ts';
import { bold, dim } from '../supervisor/screen.ts';
import type { Command } from './command.ts';

interface Line {
  at: string;
  text: string;
}

export const trace: Command = {
  name: 'trace',
  args: '[ID]',
  summary: 'Everything about one interaction in the order of time; without an id, the latest ones',
  async run({ args, context }) {
    const [id] = args;
    const db = await context.db();
    const batch = createBatch(db, { log: context.log });
    const interactions = createInteractions({ db, batch, bus: memoryBus(), clock: systemClock, log: context.log });
    try {
      if (id === undefined) {
        const { items } = await interactions.list({ limit: 20 });
        for (const one of items) {
          const who = one.agentName ?? one.queueName ?? '';
          context.print(
            `${one.id}  ${one.createdAt}  ${one.channel} ${one.direction}  ${one.from} → ${one.to}  ${one.state}  ${who}`,
          );
        }
        return 0;
      }
      if (!isUuid(id)) throw new Problem('The id of an interaction is a UUID; strongroom trace lists the latest.');
      const whole = await interactions.trace(id);
      context.print(
        `${bold(`${whole.channel} ${whole.direction}`)} ${whole.from} → ${whole.to}, ${whole.state}${whole.endReason ? ` (${whole.endReason})` : ''}`,
      );
      const lines: Line[] = [
        ...whole.segments.flatMap((one): Line[] => {
          const where = [one.kind, one.queueName, one.agentName].filter(Boolean).join(' ');
          const begin = { at: one.startedAt, text: `┌ ${where}` };
          if (!one.endedAt) return [begin];
          return [begin, { at: one.endedAt, text: `└ ${where}: ${one.end} after ${one.durationS?.toFixed(1)} s` }];
        }),
        ...whole.offers.map((one) => ({ at: one.offeredAt, text: `? offered to ${one.agentName}: ${one.state}` })),
        ...whole.events.map((one) => ({ at: one.at, text: `· ${one.type} ${dim(short(one.data))}` })),
        ...whole.recordings.map((one) => ({
          at: one.startedAt,
          text: `● recording ${one.id}: ${one.state}${one.error ? `, ${one.error}` : ''}`,
        })),
      ];
      for (const line of lines.sort((a, b) => a.at.localeCompare(b.at))) context.print(`${dim(line.at)}  ${line.text}`);
      for (const leg of whole.quality) {
        context.print(
          `${leg.party} (${leg.leg}): MOS ${leg.mos}, loss ${leg.lossPct} %, jitter ${leg.jitterMs} ms, round trip ${leg.rttMs} ms`,
        );
      }
      return 0;
    } finally {
      await batch.close();
    }
  },
};

function short(data: Record<string, unknown>): string {
  const text = JSON.stringify(data);
  return text === '{}' ? '' : text.slice(0, 200);
}
