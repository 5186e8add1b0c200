import Braces from '@lucide/svelte/icons/braces';
import CalendarClock from '@lucide/svelte/icons/calendar-clock';
import CornerDownRight from '@lucide/svelte/icons/corner-down-right';
import CreditCard from '@lucide/svelte/icons/credit-card';
import Globe from '@lucide/svelte/icons/globe';
import Grid3x3 from '@lucide/svelte/icons/grid-3x3';
import Keyboard from '@lucide/svelte/icons/keyboard';
import Languages from '@lucide/svelte/icons/languages';
import ListTree from '@lucide/svelte/icons/list-tree';
import MessageSquareText from '@lucide/svelte/icons/message-square-text';
import PhoneForwarded from '@lucide/svelte/icons/phone-forwarded';
import PhoneIncoming from '@lucide/svelte/icons/phone-incoming';
import PhoneOff from '@lucide/svelte/icons/phone-off';
import PhoneOutgoing from '@lucide/svelte/icons/phone-outgoing';
import Split from '@lucide/svelte/icons/split';
import UserSearch from '@lucide/svelte/icons/user-search';
import Voicemail from '@lucide/svelte/icons/voicemail';
import Volume2 from '@lucide/svelte/icons/volume-2';
import type { Component } from 'svelte';
import { m } from '#lib/paraglide/messages.js';
import type { StepType } from './draft.ts';

export type Group = 'talk' | 'decide' | 'hand' | 'end';

export type StepField = { key: string; label: () => string; hint?: () => string } & (
  | { kind: 'say' | 'texts'; optional?: boolean }
  | { kind: 'template' | 'variable' | 'json'; placeholder?: string; optional?: boolean }
  | { kind: 'number'; min: number; max: number; preset?: number; unit?: () => string; optional?: boolean }
  | { kind: 'check'; preset: boolean }
  | { kind: 'select'; preset?: string; options: () => { value: string; label: string }[] }
  | { kind: 'digit'; preset: string }
  | { kind: 'reference'; of: 'queues' | 'hours' | 'music'; optional?: boolean; preset?: string }
  | { kind: 'language' | 'httpStep' | 'target' | 'skills' | 'announce' | 'branches' }
  | { kind: 'ways'; adds: () => string }
  | { kind: 'pairs'; name: () => string; value: () => string; scalar?: boolean }
);

interface Kind {
  label: () => string;
  what: () => string;
  icon: Component<{ size?: number }>;
  group: Group;
  fields: StepField[];
}

const s = m.seconds;
const same = (values: string[]) => () => values.map((value) => ({ value, label: value }));
const say: StepField = { key: 'say', label: m.admin_f_say, kind: 'say' };
const sorry: StepField = { key: 'sorry', label: m.admin_f_sorry, kind: 'say', optional: true };
const interruptible: StepField = { key: 'interruptible', label: m.admin_f_interruptible, kind: 'check', preset: true };
const retries = (preset: number): StepField => ({
  key: 'retries',
  label: m.admin_f_retries,
  kind: 'number',
  min: 0,
  max: 10,
  preset,
});
const variable: StepField = {
  key: 'variable',
  label: m.admin_f_variable,
  kind: 'variable',
  hint: m.admin_f_variable_hint,
};
const terminator: StepField = { key: 'terminator', label: m.admin_f_terminator, kind: 'digit', preset: '#' };
const between = (preset: number): StepField => ({
  key: 'betweenS',
  label: m.admin_f_between,
  kind: 'number',
  min: 0,
  max: 3600,
  preset,
  unit: s,
});
const timeout = (preset: number): StepField => ({
  key: 'timeoutS',
  label: m.admin_f_timeout,
  kind: 'number',
  min: 0,
  max: 3600,
  preset,
  unit: s,
});
const queue: StepField = { key: 'queueId', label: m.queue, kind: 'reference', of: 'queues' };

/** What can be drawn: the words, the look, and what can be said about each kind of step. */
export const KINDS: Record<StepType, Kind> = {
  answer: { label: m.admin_s_answer, what: m.admin_w_answer, icon: PhoneIncoming, group: 'talk', fields: [] },
  play: { label: m.admin_s_play, what: m.admin_w_play, icon: Volume2, group: 'talk', fields: [say, interruptible] },
  say: {
    label: m.admin_s_say,
    what: m.admin_w_say,
    icon: MessageSquareText,
    group: 'talk',
    fields: [{ key: 'text', label: m.spoken_text, kind: 'texts', hint: m.admin_f_template_hint }, interruptible],
  },
  menu: {
    label: m.admin_s_menu,
    what: m.admin_w_menu,
    icon: Grid3x3,
    group: 'talk',
    fields: [
      say,
      { key: 'choices', label: m.admin_f_choices, kind: 'ways', adds: m.admin_f_add_digit },
      sorry,
      timeout(5),
      retries(1),
    ],
  },
  gather: {
    label: m.admin_s_gather,
    what: m.admin_w_gather,
    icon: Keyboard,
    group: 'talk',
    fields: [
      { ...say, optional: true } as StepField,
      variable,
      { key: 'min', label: m.admin_f_min, kind: 'number', min: 1, max: 32, preset: 1 },
      { key: 'max', label: m.admin_f_max, kind: 'number', min: 1, max: 32 },
      terminator,
      {
        key: 'matches',
        label: m.admin_f_matches,
        kind: 'template',
        optional: true,
        placeholder: '[1-9]\\d{4}',
        hint: m.admin_f_matches_hint,
      },
      sorry,
      timeout(6),
      between(4),
      retries(1),
    ],
  },
  secure: {
    label: m.admin_s_secure,
    what: m.admin_w_secure,
    icon: CreditCard,
    group: 'talk',
    fields: [
      say,
      variable,
      { key: 'min', label: m.admin_f_min, kind: 'number', min: 1, max: 32 },
      { key: 'max', label: m.admin_f_max, kind: 'number', min: 1, max: 32 },
      { key: 'checkDigit', label: m.admin_f_check_digit, kind: 'check', preset: false },
      { key: 'handTo', label: m.admin_f_hand_to, kind: 'httpStep', hint: m.admin_f_hand_to_hint },
      sorry,
      terminator,
      timeout(10),
      between(6),
      retries(2),
    ],
  },
  language: {
    label: m.admin_s_language,
    what: m.admin_w_language,
    icon: Languages,
    group: 'talk',
    fields: [{ key: 'language', label: m.language, kind: 'language' }],
  },
  hours: {
    label: m.admin_s_hours,
    what: m.admin_w_hours,
    icon: CalendarClock,
    group: 'decide',
    fields: [{ key: 'hoursId', label: m.nav_hours, kind: 'reference', of: 'hours' }],
  },
  condition: {
    label: m.admin_s_condition,
    what: m.admin_w_condition,
    icon: Split,
    group: 'decide',
    fields: [{ key: 'branches', label: m.admin_f_branches, kind: 'branches' }],
  },
  set: {
    label: m.admin_s_set,
    what: m.admin_w_set,
    icon: Braces,
    group: 'decide',
    fields: [
      {
        key: 'values',
        label: m.admin_f_values,
        kind: 'pairs',
        name: m.admin_f_variable,
        value: m.admin_f_value,
        scalar: true,
      },
    ],
  },
  lookup: {
    label: m.admin_s_lookup,
    what: m.admin_w_lookup,
    icon: UserSearch,
    group: 'decide',
    fields: [{ key: 'number', label: m.number, kind: 'template', placeholder: '{{call.from}}', optional: true }],
  },
  http: {
    label: m.admin_s_http,
    what: m.admin_w_http,
    icon: Globe,
    group: 'decide',
    fields: [
      {
        key: 'method',
        label: m.admin_f_method,
        kind: 'select',
        preset: 'GET',
        options: same(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
      },
      {
        key: 'url',
        label: m.admin_f_url,
        kind: 'template',
        placeholder: 'https://crm.intern/api/customers/{{call.from}}',
        hint: m.admin_f_url_hint,
      },
      { key: 'headers', label: m.admin_f_headers, kind: 'pairs', name: m.name, value: m.admin_f_value },
      { key: 'body', label: m.admin_f_body, kind: 'json', optional: true, hint: m.admin_f_body_hint },
      {
        key: 'result',
        label: m.admin_f_result,
        kind: 'pairs',
        name: m.admin_f_variable,
        value: m.admin_f_path,
        hint: m.admin_f_result_hint,
      },
      { key: 'timeoutS', label: m.admin_f_timeout, kind: 'number', min: 0.1, max: 60, preset: 5, unit: s },
    ],
  },
  goto: { label: m.admin_s_goto, what: m.admin_w_goto, icon: CornerDownRight, group: 'decide', fields: [] },
  queue: {
    label: m.admin_s_queue,
    what: m.admin_w_queue,
    icon: ListTree,
    group: 'hand',
    fields: [
      queue,
      {
        key: 'priority',
        label: m.priority,
        kind: 'number',
        min: -100,
        max: 100,
        preset: 0,
        hint: m.admin_f_priority_hint,
      },
      { key: 'first', label: m.admin_f_first, kind: 'say', optional: true },
      { key: 'announce', label: m.admin_f_announce, kind: 'announce' },
      { key: 'escape', label: m.admin_f_escape, kind: 'ways', adds: m.admin_f_add_digit },
      { key: 'skills', label: m.admin_f_skills, kind: 'skills' },
      {
        key: 'preferredAgent',
        label: m.admin_f_preferred,
        kind: 'template',
        optional: true,
        placeholder: 'last',
        hint: m.admin_f_preferred_hint,
      },
      { key: 'music', label: m.admin_f_music, kind: 'reference', of: 'music', preset: 'music.hold' },
    ],
  },
  transfer: {
    label: m.admin_s_transfer,
    what: m.admin_w_transfer,
    icon: PhoneForwarded,
    group: 'hand',
    fields: [
      { key: 'to', label: m.admin_f_to, kind: 'target' },
      { key: 'timeoutS', label: m.admin_f_ring_time, kind: 'number', min: 5, max: 300, preset: 30, unit: s },
      { key: 'music', label: m.admin_f_music, kind: 'reference', of: 'music', preset: 'tone.ringback' },
    ],
  },
  callback: {
    label: m.admin_s_callback,
    what: m.admin_w_callback,
    icon: PhoneOutgoing,
    group: 'hand',
    fields: [queue, { key: 'number', label: m.number, kind: 'template', placeholder: '{{call.from}}', optional: true }],
  },
  voicemail: {
    label: m.admin_s_voicemail,
    what: m.admin_w_voicemail,
    icon: Voicemail,
    group: 'end',
    fields: [
      { ...queue, optional: true } as StepField,
      { ...say, optional: true } as StepField,
      { key: 'maxS', label: m.admin_f_max_length, kind: 'number', min: 5, max: 600, preset: 180, unit: s },
    ],
  },
  hangup: {
    label: m.admin_s_hangup,
    what: m.admin_w_hangup,
    icon: PhoneOff,
    group: 'end',
    fields: [
      {
        key: 'cause',
        label: m.admin_f_cause,
        kind: 'select',
        preset: 'normal',
        options: () => [
          { value: 'normal', label: m.admin_cause_normal() },
          { value: 'busy', label: m.admin_cause_busy() },
          { value: 'rejected', label: m.admin_cause_rejected() },
          { value: 'unavailable', label: m.admin_cause_unavailable() },
        ],
      },
    ],
  },
};

export const GROUPS: { group: Group; label: () => string }[] = [
  { group: 'talk', label: m.admin_g_talk },
  { group: 'decide', label: m.admin_g_decide },
  { group: 'hand', label: m.admin_g_hand },
  { group: 'end', label: m.admin_g_end },
];
export const typesOf = (group: Group): StepType[] =>
  (Object.keys(KINDS) as StepType[]).filter((type) => KINDS[type].group === group);

const WAY: Record<string, () => string> = {
  next: m.admin_e_next,
  timeout: m.admin_e_timeout,
  invalid: m.admin_e_invalid,
  open: m.admin_e_open,
  closed: m.admin_e_closed,
  holiday: m.admin_e_holiday,
  otherwise: m.admin_e_otherwise,
  error: m.admin_e_error,
  found: m.admin_e_found,
  unknown: m.admin_e_unknown,
  refused: m.admin_e_refused,
  busy: m.admin_e_busy,
  noAnswer: m.admin_e_no_answer,
  failed: m.admin_e_failed,
};

/** A way out, in words. */
export function wayName(label: string): string {
  const [field = '', key] = label.split('.');
  if (field === 'branches') return m.admin_e_branch({ number: Number(key) + 1 });
  if (key !== undefined) return m.admin_e_digit({ digit: key });
  return WAY[field]?.() ?? field;
}
