import { readable } from '#lib/i18n/phone-number.ts';
import { moment, percent } from '#lib/i18n/time.ts';
import { m } from '#lib/paraglide/messages.js';
import { type Field, type ListSpec, num, type Row, str } from './list.ts';

const nameField: Field = { key: 'name', label: m.name, kind: 'text', required: true, max: 100 };
const active: Field = { key: 'active', label: m.active, kind: 'check' };
const position: Field = { key: 'position', label: m.order, kind: 'number', min: 0, max: 10000, hint: m.order_hint };
const activeColumn = {
  key: 'active',
  label: m.state,
  text: (row: Row) => (row.active === false ? m.inactive() : m.active()),
  tone: (row: Row) => (row.active === false ? ('neutral' as const) : ('ok' as const)),
};
const named = (key: string, label: () => string) => ({ key, label, text: (row: Row) => str(row, key) });

export const STRATEGY: Record<string, () => string> = {
  'longest-idle': m.strategy_longest_idle,
  'fewest-handled': m.strategy_fewest_handled,
  'round-robin': m.strategy_round_robin,
  'most-skilled': m.strategy_most_skilled,
  'ring-all': m.strategy_ring_all,
};
export const WRAP_UP: Record<string, () => string> = {
  none: m.wrap_none,
  timed: m.wrap_timed,
  'until-done': m.wrap_until_done,
};
const RING_ON: Record<string, () => string> = {
  all: m.ring_all_phones,
  browser: m.phone_kind_browser,
  phone: m.phone_desk,
  number: m.ring_outside,
};
const PHONE_KIND: Record<string, () => string> = {
  sip: m.phone_kind_sip,
  browser: m.phone_kind_browser,
  fixed: m.phone_kind_fixed,
};
const RECORD: Record<string, () => string> = {
  always: m.record_always,
  never: m.record_never,
  percent: m.record_percent,
};
const ROLE: Record<string, () => string> = {
  admin: m.role_admin,
  supervisor: m.role_supervisor,
  agent: m.role_agent,
  auditor: m.role_auditor,
};
export const options = (table: Record<string, () => string>) =>
  Object.entries(table).map(([value, label]) => ({ value, label }));
const word = (table: Record<string, () => string>, value: string) => table[value]?.() ?? value;
const LANGUAGES = [
  { value: 'en', label: () => 'English' },
  { value: 'de', label: () => 'Deutsch' },
];

interface TrunkStatus {
  channels: number;
  instances: { up: boolean; detail: string; roundTripMs: number | null; registeredUntil: string | null }[];
}
/** A trunk is up when any voice process reaches it. */
function trunkHealth(answer: unknown): Record<string, unknown> {
  const status = answer as TrunkStatus | undefined;
  if (!status || status.instances.length === 0) return { channels: status?.channels };
  const best = status.instances.find(({ up }) => up) ?? status.instances[0]!;
  return {
    up: best.up,
    channels: status.channels,
    healthDetail: [best.detail, best.roundTripMs === null ? '' : `${Math.round(best.roundTripMs)} ms`]
      .filter(Boolean)
      .join(', '),
  };
}

/** The lists of the administration that are a table and a form. Others have a page of their own. */
export const SPECS: Record<string, ListSpec> = {
  queues: {
    path: '/queues',
    permission: 'queues',
    title: m.nav_queues,
    one: m.queue,
    empty: m.empty_queues,
    links: [{ href: '/admin/import?what=queues', label: m.admin_import }],
    href: (row) => `/admin/queues/${row.id}`,
    newHref: '/admin/queues/new',
    nameOf: (row) => str(row, 'name'),
    columns: [
      named('name', m.name),
      activeColumn,
      { key: 'strategy', label: m.strategy, text: (row) => word(STRATEGY, str(row, 'strategy')) },
      {
        key: 'priority',
        label: m.priority,
        text: (row) => str(row, 'priority'),
        value: (row) => num(row, 'priority'),
        num: true,
        end: true,
      },
      {
        key: 'level',
        label: m.service_level_goal,
        text: (row) => `${percent(num(row, 'serviceLevelTarget'))} / ${str(row, 'answerWithinS')} s`,
        value: (row) => num(row, 'serviceLevelTarget'),
        num: true,
        end: true,
      },
      {
        key: 'offer',
        label: m.offer_time,
        text: (row) => `${str(row, 'offerTimeoutS')} s`,
        value: (row) => num(row, 'offerTimeoutS'),
        num: true,
        end: true,
        wide: true,
      },
      {
        key: 'wrapUp',
        label: m.state_wrap_up,
        text: (row) => (row.wrapUp === 'timed' ? `${str(row, 'wrapUpS')} s` : word(WRAP_UP, str(row, 'wrapUp'))),
        wide: true,
      },
    ],
    fields: [],
  },
  users: {
    path: '/users',
    permission: 'users',
    title: m.nav_users,
    one: m.user,
    empty: m.empty_users,
    links: [{ href: '/admin/import?what=users', label: m.admin_import }],
    nameOf: (row) => str(row, 'displayName'),
    columns: [
      named('displayName', m.name),
      named('username', m.username),
      { key: 'role', label: m.role, text: (row) => word(ROLE, str(row, 'role')) },
      activeColumn,
      {
        key: 'lastSignInAt',
        label: m.last_sign_in,
        text: (row) => moment(row.lastSignInAt as string | null),
        value: (row) => str(row, 'lastSignInAt'),
        num: true,
        wide: true,
      },
    ],
    fields: [
      { key: 'displayName', label: m.name, kind: 'text', required: true, max: 120 },
      {
        key: 'username',
        label: m.username,
        kind: 'text',
        required: true,
        max: 64,
        pattern: '[a-z0-9][a-z0-9._@\\-]*',
        hint: m.username_hint,
      },
      { key: 'role', label: m.role, kind: 'select', options: options(ROLE) },
      active,
      { key: 'language', label: m.language, kind: 'select', options: LANGUAGES },
      { key: 'timeZone', label: m.time_zone, kind: 'text', max: 64, hint: m.time_zone_hint },
      { key: 'password', label: m.password, kind: 'password', max: 1000, hint: m.password_hint },
      { key: 'mustChangePassword', label: m.must_change_password, kind: 'check' },
    ],
  },
  reasons: {
    path: '/reasons',
    permission: 'reasons',
    title: m.nav_reasons,
    one: m.reason,
    empty: m.empty_reasons,
    nameOf: (row) => str(row, 'label'),
    locked: (row) => row.system === true,
    columns: [
      named('label', m.name),
      named('code', m.code),
      { key: 'paid', label: m.paid, text: (row) => (row.paid ? m.yes() : m.no()) },
      activeColumn,
      {
        key: 'position',
        label: m.order,
        text: (row) => str(row, 'position'),
        value: (row) => num(row, 'position'),
        num: true,
        end: true,
      },
    ],
    fields: [
      { key: 'label', label: m.name, kind: 'text', required: true, max: 100 },
      { key: 'code', label: m.code, kind: 'text', required: true, max: 40, onlyNew: true, hint: m.code_hint },
      { key: 'paid', label: m.paid, kind: 'check' },
      active,
      position,
    ],
  },
  dispositions: {
    path: '/dispositions',
    permission: 'dispositions',
    title: m.nav_dispositions,
    one: m.disposition,
    empty: m.empty_dispositions,
    names: [{ path: '/queues', key: 'name' }],
    nameOf: (row) => str(row, 'label'),
    columns: [
      named('label', m.name),
      named('code', m.code),
      { key: 'queueId', label: m.queue, text: (row, names) => (row.queueId ? names(row.queueId) : m.every_queue()) },
      activeColumn,
      {
        key: 'position',
        label: m.order,
        text: (row) => str(row, 'position'),
        value: (row) => num(row, 'position'),
        num: true,
        end: true,
      },
    ],
    fields: [
      { key: 'label', label: m.name, kind: 'text', required: true, max: 100 },
      { key: 'code', label: m.code, kind: 'text', required: true, max: 60, onlyNew: true, hint: m.code_hint },
      { key: 'queueId', label: m.queue, kind: 'reference', path: '/queues', nameKey: 'name', none: m.every_queue },
      active,
      position,
    ],
  },
  skills: {
    path: '/skills',
    permission: 'skills',
    title: m.nav_skills,
    one: m.skill,
    empty: m.empty_skills,
    links: [{ href: '/admin/skills/matrix', label: m.admin_matrix }],
    nameOf: (row) => str(row, 'name'),
    columns: [named('name', m.name), named('description', m.description)],
    fields: [nameField, { key: 'description', label: m.description, kind: 'text', max: 500 }],
  },
  teams: {
    path: '/teams',
    permission: 'teams',
    title: m.nav_teams,
    one: m.team,
    empty: m.empty_teams,
    nameOf: (row) => str(row, 'name'),
    columns: [named('name', m.name), named('description', m.description)],
    fields: [nameField, { key: 'description', label: m.description, kind: 'text', max: 500 }],
  },
  numbers: {
    path: '/dids',
    permission: 'dids',
    title: m.nav_numbers,
    one: m.number,
    empty: m.empty_numbers,
    links: [{ href: '/admin/import?what=numbers', label: m.admin_import }],
    names: [
      { path: '/queues', key: 'name' },
      { path: '/flows', key: 'name' },
    ],
    nameOf: (row) => readable(str(row, 'number')),
    columns: [
      { key: 'number', label: m.number, text: (row) => readable(str(row, 'number')), num: true },
      named('name', m.name),
      {
        key: 'target',
        label: m.leads_to,
        text: (row, names) =>
          row.flowId ? `${m.flow()}: ${names(row.flowId)}` : `${m.queue()}: ${names(row.queueId)}`,
      },
      named('language', m.language),
    ],
    fields: [
      {
        key: 'number',
        label: m.number,
        kind: 'text',
        required: true,
        max: 16,
        pattern: '\\+[1-9][0-9]{1,14}',
        hint: m.number_hint,
      },
      { key: 'name', label: m.name, kind: 'text', max: 100 },
      { key: 'flowId', label: m.flow, kind: 'reference', path: '/flows', nameKey: 'name', none: m.none },
      { key: 'queueId', label: m.queue, kind: 'reference', path: '/queues', nameKey: 'name', none: m.none },
    ],
  },
  hours: {
    path: '/hours',
    permission: 'hours',
    title: m.nav_hours,
    one: m.nav_hours,
    empty: m.empty_hours,
    href: (row) => `/admin/hours/${row.id}`,
    newHref: '/admin/hours/new',
    nameOf: (row) => str(row, 'name'),
    columns: [
      named('name', m.name),
      named('timeZone', m.time_zone),
      {
        key: 'weekly',
        label: m.weekly,
        text: (row) => m.ranges_count({ count: Array.isArray(row.weekly) ? row.weekly.length : 0 }),
      },
      {
        key: 'holidays',
        label: m.holidays,
        text: (row) => String(Array.isArray(row.holidays) ? row.holidays.length : 0),
        num: true,
        end: true,
      },
    ],
    fields: [],
  },
  phones: {
    path: '/phones',
    permission: 'phones',
    title: m.nav_phones,
    one: m.phone,
    empty: m.empty_phones,
    refreshS: 15,
    names: [{ path: '/agents', key: 'name' }],
    secret: { rotate: (row) => `/phones/${row.id}/rotate` },
    nameOf: (row) => str(row, 'label') || str(row, 'extension'),
    columns: [
      named('label', m.name),
      named('extension', m.extension_short),
      { key: 'kind', label: m.kind, text: (row) => word(PHONE_KIND, str(row, 'kind')) },
      named('username', m.username),
      { key: 'agentId', label: m.agent, text: (row, names) => (row.agentId ? names(row.agentId) : '') },
      {
        key: 'online',
        label: m.state,
        text: (row) => (row.online ? m.phone_online() : m.phone_offline()),
        tone: (row) => (row.online ? 'ok' : 'warn'),
      },
    ],
    fields: [
      { key: 'label', label: m.name, kind: 'text', required: true, max: 80 },
      {
        key: 'kind',
        label: m.kind,
        kind: 'select',
        onlyNew: true,
        options: options(PHONE_KIND),
      },
      { key: 'extension', label: m.extension_short, kind: 'text', max: 12, pattern: '[0-9*#]{1,12}' },
      { key: 'agentId', label: m.agent, kind: 'reference', path: '/agents', nameKey: 'name', none: m.none },
    ],
  },
  agents: {
    path: '/agents',
    permission: 'agents',
    title: m.nav_agents,
    one: m.agent,
    empty: m.empty_agents,
    names: [
      { path: '/teams', key: 'name' },
      { path: '/skills', key: 'name' },
    ],
    nameOf: (row) => str(row, 'name'),
    columns: [
      named('name', m.name),
      { ...named('extension', m.extension_short), num: true },
      { key: 'teamId', label: m.team, text: (row, names) => (row.teamId ? names(row.teamId) : '') },
      { key: 'ringOn', label: m.ring_on, text: (row) => word(RING_ON, str(row, 'ringOn')) },
      {
        key: 'skills',
        label: m.nav_skills,
        text: (row, names) =>
          ((row.skills ?? []) as { skillId: string; level: number }[])
            .map(({ skillId, level }) => `${names(skillId)} ${level}`)
            .join(', '),
      },
    ],
    fields: [
      {
        key: 'userId',
        label: m.user,
        kind: 'reference',
        path: '/users',
        nameKey: 'displayName',
        onlyNew: true,
        required: true,
      },
      { key: 'extension', label: m.extension_short, kind: 'text', max: 16, pattern: '[0-9*#]{1,16}' },
      { key: 'teamId', label: m.team, kind: 'reference', path: '/teams', nameKey: 'name', none: m.none },
      { key: 'ringOn', label: m.ring_on, kind: 'select', options: options(RING_ON) },
      { key: 'ringNumber', label: m.ring_number, kind: 'text', max: 40 },
    ],
  },
  flows: {
    path: '/flows',
    permission: 'flows',
    title: m.nav_flows,
    one: m.flow,
    empty: m.empty_flows,
    href: (row) => `/admin/flows/${row.id}`,
    nameOf: (row) => str(row, 'name'),
    columns: [
      named('name', m.name),
      named('description', m.description),
      {
        key: 'published',
        label: m.state,
        text: (row) => (row.publishedVersionId ? m.published() : m.not_published()),
        tone: (row) => (row.publishedVersionId ? 'ok' : 'warn'),
      },
    ],
    fields: [nameField, { key: 'description', label: m.description, kind: 'long', max: 2000 }],
  },
  'recording-rules': {
    path: '/recording-rules',
    permission: 'recording-rules',
    title: m.nav_recording_rules,
    one: m.recording_rule,
    empty: m.empty_recording_rules,
    names: [
      { path: '/queues', key: 'name' },
      { path: '/agents', key: 'name' },
    ],
    nameOf: (row) => str(row, 'name'),
    columns: [
      named('name', m.name),
      {
        key: 'mode',
        label: m.what,
        text: (row) => (row.mode === 'percent' ? `${str(row, 'percent')} %` : word(RECORD, str(row, 'mode'))),
      },
      { key: 'queueId', label: m.queue, text: (row, names) => (row.queueId ? names(row.queueId) : m.every_queue()) },
      { key: 'agentId', label: m.agent, text: (row, names) => (row.agentId ? names(row.agentId) : '') },
      activeColumn,
      {
        key: 'position',
        label: m.order,
        text: (row) => str(row, 'position'),
        value: (row) => num(row, 'position'),
        num: true,
        end: true,
      },
    ],
    fields: [
      nameField,
      { key: 'mode', label: m.what, kind: 'select', options: options(RECORD) },
      { key: 'percent', label: m.percent_of_calls, kind: 'number', min: 0, max: 100, unit: () => '%' },
      { key: 'queueId', label: m.queue, kind: 'reference', path: '/queues', nameKey: 'name', none: m.every_queue },
      { key: 'agentId', label: m.agent, kind: 'reference', path: '/agents', nameKey: 'name', none: m.none },
      active,
      position,
    ],
  },
  trunks: {
    path: '/trunks',
    permission: 'trunks',
    title: m.nav_trunks,
    one: m.trunk,
    empty: m.empty_trunks,
    testCall: true,
    refreshS: 15,
    health: { path: (row) => `/trunks/${row.id}/status`, fields: trunkHealth },
    nameOf: (row) => str(row, 'name'),
    columns: [
      named('name', m.name),
      {
        key: 'kind',
        label: m.kind,
        text: (row) => (row.kind === 'registration' ? m.trunk_registration() : m.trunk_address()),
      },
      { key: 'host', label: m.host, text: (row) => `${str(row, 'host')}${row.port ? `:${row.port}` : ''}` },
      { key: 'transport', label: m.transport, text: (row) => str(row, 'transport').toUpperCase(), wide: true },
      {
        key: 'state',
        label: m.state,
        text: (row) =>
          row.enabled === false
            ? m.inactive()
            : row.up === undefined
              ? m.unknown()
              : row.up
                ? m.trunk_up()
                : m.trunk_down(),
        tone: (row) => (row.enabled === false || row.up === undefined ? 'neutral' : row.up ? 'ok' : 'danger'),
      },
      { key: 'health', label: m.details, text: (row) => str(row, 'healthDetail'), wide: true },
      {
        key: 'channels',
        label: m.admin_calls_now,
        text: (row) => str(row, 'channels'),
        value: (row) => num(row, 'channels'),
        num: true,
        end: true,
      },
    ],
    fields: [
      { key: 'name', label: m.name, kind: 'text', required: true, max: 80 },
      {
        key: 'kind',
        label: m.kind,
        kind: 'select',
        options: [
          { value: 'address', label: m.trunk_address },
          { value: 'registration', label: m.trunk_registration },
        ],
      },
      { key: 'host', label: m.host, kind: 'text', required: true, max: 255 },
      { key: 'port', label: m.port, kind: 'number', min: 1, max: 65535 },
      {
        key: 'transport',
        label: m.transport,
        kind: 'select',
        options: ['udp', 'tcp', 'tls'].map((value) => ({ value, label: () => value.toUpperCase() })),
      },
      { key: 'username', label: m.username, kind: 'text', max: 100 },
      { key: 'password', label: m.password, kind: 'password', max: 200, hint: m.password_hint },
      { key: 'country', label: m.country, kind: 'text', max: 2, pattern: '[A-Z]{2}', hint: m.country_hint },
      { key: 'maxChannels', label: m.max_channels, kind: 'number', min: 1 },
      { key: 'enabled', label: m.active, kind: 'check' },
    ],
  },
};
