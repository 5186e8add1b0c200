import ArrowLeftRight from '@lucide/svelte/icons/arrow-left-right';
import AudioLines from '@lucide/svelte/icons/audio-lines';
import BookOpenCheck from '@lucide/svelte/icons/book-open-check';
import CalendarClock from '@lucide/svelte/icons/calendar-clock';
import CircleDot from '@lucide/svelte/icons/circle-dot';
import Gauge from '@lucide/svelte/icons/gauge';
import Hash from '@lucide/svelte/icons/hash';
import Headset from '@lucide/svelte/icons/headset';
import History from '@lucide/svelte/icons/history';
import ListChecks from '@lucide/svelte/icons/list-checks';
import ListTree from '@lucide/svelte/icons/list-tree';
import Network from '@lucide/svelte/icons/network';
import Phone from '@lucide/svelte/icons/phone';
import ScrollText from '@lucide/svelte/icons/scroll-text';
import Server from '@lucide/svelte/icons/server';
import ShieldBan from '@lucide/svelte/icons/shield-ban';
import Sparkles from '@lucide/svelte/icons/sparkles';
import Tags from '@lucide/svelte/icons/tags';
import UserCog from '@lucide/svelte/icons/user-cog';
import Users from '@lucide/svelte/icons/users';
import UsersRound from '@lucide/svelte/icons/users-round';
import Waypoints from '@lucide/svelte/icons/waypoints';
import type { Component } from 'svelte';
import { m } from '#lib/paraglide/messages.js';

export interface Place {
  href: string;
  label: () => string;
  icon: Component<{ size?: number; strokeWidth?: number }>;
  /** Permission that shows it; people who take work see their own page in any case. */
  needs: string | 'work';
  group: 'daily' | 'admin';
}

/** Every page of the desktop, in the order of the rail. */
export const PLACES: readonly Place[] = [
  { href: '/agent', label: m.nav_agent, icon: Headset, needs: 'work', group: 'daily' },
  { href: '/live', label: m.nav_live, icon: Gauge, needs: 'live:read', group: 'daily' },
  { href: '/interactions', label: m.nav_interactions, icon: History, needs: 'interactions:read', group: 'daily' },
  { href: '/admin/setup', label: m.nav_setup, icon: ListChecks, needs: 'trunks:write', group: 'admin' },
  { href: '/admin/queues', label: m.nav_queues, icon: ListTree, needs: 'queues:read', group: 'admin' },
  { href: '/admin/agents', label: m.nav_agents, icon: Users, needs: 'agents:read', group: 'admin' },
  { href: '/admin/skills', label: m.nav_skills, icon: Sparkles, needs: 'skills:read', group: 'admin' },
  { href: '/admin/teams', label: m.nav_teams, icon: UsersRound, needs: 'teams:read', group: 'admin' },
  { href: '/admin/flows', label: m.nav_flows, icon: Waypoints, needs: 'flows:read', group: 'admin' },
  { href: '/admin/numbers', label: m.nav_numbers, icon: Hash, needs: 'dids:read', group: 'admin' },
  { href: '/admin/hours', label: m.nav_hours, icon: CalendarClock, needs: 'hours:read', group: 'admin' },
  { href: '/admin/prompts', label: m.nav_prompts, icon: AudioLines, needs: 'prompts:read', group: 'admin' },
  { href: '/admin/dispositions', label: m.nav_dispositions, icon: Tags, needs: 'dispositions:read', group: 'admin' },
  { href: '/admin/reasons', label: m.nav_reasons, icon: BookOpenCheck, needs: 'reasons:read', group: 'admin' },
  { href: '/admin/phones', label: m.nav_phones, icon: Phone, needs: 'phones:read', group: 'admin' },
  { href: '/admin/trunks', label: m.nav_trunks, icon: Network, needs: 'trunks:read', group: 'admin' },
  {
    href: '/admin/recording-rules',
    label: m.nav_recording_rules,
    icon: CircleDot,
    needs: 'recording-rules:read',
    group: 'admin',
  },
  { href: '/admin/users', label: m.nav_users, icon: UserCog, needs: 'users:read', group: 'admin' },
  { href: '/admin/bans', label: m.nav_bans, icon: ShieldBan, needs: 'sip:read', group: 'admin' },
  { href: '/admin/sip', label: m.nav_sip, icon: ArrowLeftRight, needs: 'sip:read', group: 'admin' },
  { href: '/admin/audit', label: m.nav_audit, icon: ScrollText, needs: 'audit:read', group: 'admin' },
  { href: '/admin/system', label: m.nav_system, icon: Server, needs: 'audit:read', group: 'admin' },
];
