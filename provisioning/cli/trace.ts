import { writeFileSync } from 'node:fs';
import { createInteractions } from '#appliance/interactions/index.ts';
import { systemClock } from '#appliance/kernel/clock.ts';
import { isUuid } from '#appliance/kernel/ids.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { createBatch } from '#appliance/platform/postgres/index.ts';
import { ladder, pcap, type TracedMessage } from '#appliance/telephony/trace/index.ts';
import { Problem } from '../supervisor/problem.ts';
import { bold, dim } from '../supervisor/screen.ts';
import type { Command } from './command.ts';
import type { CliContext } from './context.ts';

interface Line {
  at: string;
  text: string;
}

export const trace: Command = {
  name: 'trace',
  args: '[ID]',
  summary: 'Everything about one interaction in the order of time; without an id, the latest ones',
  options: { sip: { type: 'boolean' }, messages: { type: 'boolean' }, pcap: { type: 'string' } },
  help: {
    sip: 'The call as a ladder of its SIP messages; ID may be a Call-ID too; without an id, the calls that are remembered',
    messages: 'With the messages themselves, secrets crossed out',
    pcap: 'FILE: writes the SIP messages for Wireshark',
  },
  async run({ args, values, context }) {
    const [id] = args;
    if (values.sip || values.messages || values.pcap !== undefined)
      return sip(context, id, {
        whole: values.messages === true,
        file: typeof values.pcap === 'string' ? values.pcap : undefined,
      });
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

async function sip(
  context: CliContext,
  id: string | undefined,
  { whole, file }: { whole: boolean; file: string | undefined },
): Promise<number> {
  const bus = await context.bus();
  const { messages, calls } = await bus.call(
    'voice',
    'sip.trace',
    id === undefined ? {} : isUuid(id) ? { interactionId: id } : { callId: id },
  );
  if (id === undefined) {
    if (file !== undefined) throw new Problem('Which call? strongroom trace --sip lists those that are remembered.');
    for (const call of calls)
      context.print(
        `${call.at}  ${shown(call.from)} → ${shown(call.to)}  ${call.messages} messages  ${shown(call.callId)}`,
      );
    return 0;
  }
  if (messages.length === 0) throw new Problem('No SIP message of this call is remembered (any more).');
  if (file !== undefined) {
    writeFileSync(context.path(file), pcap(messages), { mode: 0o600 });
    context.print(`${messages.length} messages written to ${file}`);
  }
  if (file === undefined || whole) for (const line of ladder(messages)) context.print(line);
  if (whole) for (const message of messages) print(context, message);
  return 0;
}

function print(context: CliContext, { at, direction, transport, remote, text }: TracedMessage): void {
  context.print();
  context.print(dim(`${at}  ${direction === 'in' ? 'from' : 'to'} ${transport} ${remote.address}:${remote.port}`));
  for (const line of text.trimEnd().split(/\r?\n/)) context.print(shown(line));
}

/** What others sent must not drive the terminal. */
function shown(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

function short(data: Record<string, unknown>): string {
  const text = JSON.stringify(data);
  return text === '{}' ? '' : text.slice(0, 200);
}
