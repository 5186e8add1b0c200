// What a new box still needs, computed from what is there. Pure.
import { m } from '#lib/paraglide/messages.js';
import { daysUntil, type SystemFacts } from '../system/system.ts';

export interface Point {
  key: string;
  title: string;
  /** What was found, in words. */
  found: string;
  state: 'done' | 'open' | 'wrong';
  /** Where it is put right. */
  href: string;
  act: string;
  /** What can be typed on the machine instead. */
  command?: string;
}

/** As a list of the API answers it. */
type Row = Record<string, unknown>;

export interface Found {
  system: Pick<SystemFacts, 'certificate'>;
  trunks: (Row & { up: boolean })[];
  users: Row[];
  phones: Row[];
  queues: (Row & { agents: number })[];
  flows: (Row & { id: string })[];
  dids: Row[];
  /** The latest calls from outside. */
  calls: { answeredAt: string | null }[];
  lastBackupAt: string | null;
}

const CERTIFICATE_SOON_DAYS = 14;

export function pointsOf(found: Found, now = Date.now()): Point[] {
  const { certificate } = found.system;
  const days = certificate ? daysUntil(certificate.validTo, now) : 0;
  const enabled = found.trunks.filter((trunk) => trunk.enabled !== false);
  const up = enabled.filter((trunk) => trunk.up).length;
  const people = found.users.filter(({ role, active }) => role === 'agent' && active !== false).length;
  const online = found.phones.filter((phone) => phone.online === true).length;
  const browsers = found.phones.filter((phone) => phone.kind === 'browser' && phone.online === true).length;
  const open = found.queues.filter((queue) => queue.active !== false);
  const served = open.filter(({ agents }) => agents > 0).length;
  const published = new Set(found.flows.flatMap(({ id, publishedVersionId }) => (publishedVersionId ? [id] : [])));
  const lead = found.dids.filter(({ flowId, queueId }) => queueId || published.has(String(flowId)));
  const number = String((lead[0] ?? found.dids[0])?.number ?? '');
  const answered = found.calls.some(({ answeredAt }) => answeredAt !== null);

  return [
    {
      key: 'certificate',
      title: m.admin_setup_certificate(),
      found: certificate
        ? m.admin_setup_certificate_found({ issuer: certificate.issuer, days })
        : m.admin_setup_certificate_none(),
      state: !certificate || days < 0 ? 'wrong' : days < CERTIFICATE_SOON_DAYS ? 'open' : 'done',
      href: '/admin/system',
      act: m.nav_system(),
    },
    {
      key: 'trunk',
      title: m.admin_setup_trunk(),
      found:
        enabled.length === 0 ? m.admin_setup_trunk_none() : m.admin_setup_trunk_found({ up, count: enabled.length }),
      state: up > 0 ? 'done' : enabled.length > 0 ? 'wrong' : 'open',
      href: '/admin/trunks',
      act: m.nav_trunks(),
    },
    {
      key: 'users',
      title: m.admin_setup_users(),
      found: m.admin_setup_users_found({ count: people }),
      state: people > 0 ? 'done' : 'open',
      href: '/admin/users',
      act: m.nav_users(),
    },
    {
      key: 'phones',
      title: m.admin_setup_phones(),
      found: m.admin_setup_phones_found({ online, count: found.phones.length, browsers }),
      state: online > 0 ? 'done' : 'open',
      href: '/admin/phones',
      act: m.nav_phones(),
    },
    {
      key: 'queue',
      title: m.admin_setup_queue(),
      found: m.admin_setup_queue_found({ served, count: open.length }),
      state: served > 0 ? 'done' : 'open',
      href: found.queues.length === 0 ? '/admin/queues/new' : '/admin/queues',
      act: m.nav_queues(),
    },
    {
      key: 'number',
      title: m.admin_setup_number(),
      found: m.admin_setup_number_found({ count: lead.length, all: found.dids.length }),
      // A number whose flow is not published is answered by nobody.
      state: lead.length === 0 ? 'open' : lead.length < found.dids.length ? 'wrong' : 'done',
      href: '/admin/numbers',
      act: m.nav_numbers(),
    },
    {
      key: 'call',
      title: m.admin_setup_call(),
      found: answered
        ? m.admin_setup_call_found()
        : found.calls.length > 0
          ? m.admin_setup_call_unanswered()
          : m.admin_setup_call_none({ number }),
      state: answered ? 'done' : 'open',
      href: '/interactions',
      act: m.nav_interactions(),
      ...(!answered && number && { command: `npm run strongroom -- demo call --to ${number}` }),
    },
    {
      key: 'backup',
      title: m.admin_setup_backup(),
      found: found.lastBackupAt ? m.admin_setup_backup_found() : m.admin_backup_never(),
      state: found.lastBackupAt ? 'done' : 'open',
      href: '/admin/system',
      act: m.nav_system(),
    },
  ];
}
