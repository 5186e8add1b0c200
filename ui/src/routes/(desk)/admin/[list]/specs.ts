import type { ListSpec } from './list.ts';
import { people } from './specs/people.ts';
import { routing } from './specs/routing.ts';
import { telephony } from './specs/telephony.ts';

/** The lists of the administration that are a table and a form. Others have a page of their own. */
export const SPECS: Record<string, ListSpec> = { ...people, ...routing, ...telephony };
