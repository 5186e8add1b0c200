import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Topics } from '#appliance/realtime/index.ts';
import type { MailboxStore } from './mailbox-store.ts';

const WITHIN_MS = 3000;

/** Topics `calls` (what I may take from elsewhere) and `voicemails` (how many wait for me). */
export function registerCallTopics(
  topics: Topics,
  {
    bus,
    mailboxes,
    isSupervisor,
  }: {
    bus: Pick<Bus, 'call'>;
    mailboxes: Pick<MailboxStore, 'counts'>;
    isSupervisor(role: string): boolean;
  },
): void {
  topics.registerTopic('calls', {
    permission: 'calls:control',
    shape: 'list',
    key: (actor) => actor.userId,
    snapshot: (actor) =>
      bus.call('voice', 'live.calls', { agentId: actor.userId, supervisor: isSupervisor(actor.role) }, WITHIN_MS),
    affects: (event) => event.type === 'parked.changed' || event.type === 'ringing.changed',
  });
  topics.registerTopic('voicemails', {
    permission: 'me',
    shape: 'state',
    key: (actor) => actor.userId,
    snapshot: (actor) => mailboxes.counts(actor.userId),
    affects: (event) => event.type === 'voicemail.changed' && [event.agentId],
  });
}
