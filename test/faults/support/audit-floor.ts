import type { Api } from '#test/calls/support/api.ts';
import type { Instance } from '#test/support/instance.ts';

/** A place and the one before it meet exactly; clocks of one box, one instant handed to both. */
const PLACES = `kind not in ('consult', 'wrap-up')`;

/** Rules that hold at every moment in which nothing is half done. Each query finds what breaks one. */
const RULES: [rule: string, sql: string][] = [
  [
    'an interaction is ended exactly when it has an end, or only its wrap-up is open',
    `select id, state, ended_at from interaction where (state = 'ended') <> (ended_at is not null) and state <> 'wrap-up'`,
  ],
  [
    'a live interaction is in exactly one place',
    `select i.id, i.state, count(s.id) from interaction i left join segment s on s.interaction_id = i.id and s.ended_at is null and ${PLACES}
     where i.ended_at is null group by i.id having count(s.id) <> 1`,
  ],
  [
    'the state says which place',
    `select i.id, i.state, s.kind from interaction i join segment s on s.interaction_id = i.id and s.ended_at is null and ${PLACES}
     where i.state not in ('ended', 'wrap-up') and not case s.kind when 'queue' then i.state in ('waiting', 'offered')
       when 'agent' then i.state = 'active' when 'hold' then i.state = 'active' else true end`,
  ],
  [
    'what is over is nowhere',
    `select i.id, s.kind from interaction i join segment s on s.interaction_id = i.id and s.ended_at is null
     where i.ended_at is not null and s.kind <> 'wrap-up'`,
  ],
  [
    'each place begins where the last one ended: no gap, no overlap',
    `select * from (select interaction_id, kind, started_at, lag(ended_at) over w as before, lag(kind) over w as kind_before
       from segment where ${PLACES} window w as (partition by interaction_id order by started_at, id)) s
     where kind_before is not null and (before is null or before <> started_at)`,
  ],
  [
    'the last place ends with the interaction',
    `select i.id, i.ended_at, max(s.ended_at) as last from interaction i join segment s on s.interaction_id = i.id and ${PLACES}
     where i.ended_at is not null group by i.id having max(s.ended_at) <> i.ended_at`,
  ],
  [
    'an interaction that was taken is somewhere from its beginning to its end',
    `select i.id, i.created_at, i.ended_at from interaction i where i.created_at < now() - interval '5 seconds'
       and i.end_reason is distinct from 'refused'
       and not exists (select 1 from segment s where s.interaction_id = i.id)`,
  ],
  [
    'an agent talks to one caller at a time',
    `select a.agent_id, a.interaction_id, b.interaction_id as other from segment a
       join segment b on b.agent_id = a.agent_id and b.interaction_id > a.interaction_id
     where a.kind in ('agent', 'hold') and b.kind in ('agent', 'hold')
       and a.started_at < coalesce(b.ended_at, 'infinity') and b.started_at < coalesce(a.ended_at, 'infinity')`,
  ],
  [
    'who waits has one place in the queue, who does not has none',
    `select i.id, i.state, count(e.id) from interaction i
       left join segment s on s.interaction_id = i.id and s.ended_at is null and s.kind = 'queue'
       left join queue_entry e on e.interaction_id = i.id and e.state = 'waiting' and e.queue_id = s.queue_id
     group by i.id, s.id having count(e.id) <> case when s.id is null then 0 else 1 end`,
  ],
  [
    'no place in a queue is left of somebody who does not wait',
    `select e.id, e.interaction_id from queue_entry e where e.state = 'waiting'
       and not exists (select 1 from segment s where s.interaction_id = e.interaction_id and s.ended_at is null and s.kind = 'queue')`,
  ],
  [
    'every answered wait was one accepted offer, and the agent of the offer got the call at that instant',
    `select s.id, s.interaction_id, count(o.id) from segment s
       join queue_entry e on e.interaction_id = s.interaction_id and e.queue_id = s.queue_id
       left join offer o on o.entry_id = e.id and o.state = 'accepted' and exists (select 1 from segment a
         where a.interaction_id = s.interaction_id and a.kind = 'agent' and a.agent_id = o.agent_id and a.started_at = s.ended_at)
     where s.kind = 'queue' and s.end_reason = 'answered' group by s.id having count(o.id) <> 1`,
  ],
  [
    'an accepted offer ended a wait',
    `select o.id, o.interaction_id from offer o where o.state = 'accepted' and not exists (select 1 from segment s
       where s.interaction_id = o.interaction_id and s.kind = 'queue' and s.end_reason = 'answered')`,
  ],
  [
    'nothing is offered that does not wait',
    `select o.id, o.interaction_id, o.offered_at from offer o where o.state = 'pending' and o.expires_at < now() - interval '2 seconds'
       or o.state = 'pending' and not exists (select 1 from queue_entry e where e.id = o.entry_id and e.state = 'waiting')`,
  ],
  [
    'a call that is over has no legs left',
    `select l.id, l.state, i.id as interaction from call_leg l left join interaction i on i.id::text = l.tag ->> 'interactionId'
     where l.tag ? 'interactionId' and (i.id is null or i.ended_at is not null)`,
  ],
  [
    'a call that goes on has its legs: the caller, and the agent if there is one',
    `select i.id, i.state, count(l.id) from interaction i left join call_leg l on l.tag ->> 'interactionId' = i.id::text and l.state = 'up'
     where i.ended_at is null and i.channel = 'voice' and i.state in ('waiting', 'offered', 'active')
     group by i.id having count(l.id) < case when i.state = 'active' then 2 else 1 end`,
  ],
  [
    'one recording for each conversation, none twice',
    `select i.id, count(r.id) from interaction i left join recording r on r.interaction_id = i.id
     where exists (select 1 from segment s where s.interaction_id = i.id and s.kind = 'agent' and coalesce(s.duration_s, 9) > 0.5)
     group by i.id having count(r.id) <> 1`,
  ],
  [
    'a recording ends with its call',
    `select r.id, r.state, r.ended_at, i.ended_at as call_ended_at from recording r join interaction i on i.id = r.interaction_id
     where (i.ended_at is null) <> (r.ended_at is null) or abs(extract(epoch from r.ended_at - i.ended_at)) > 2`,
  ],
  [
    'events happen once',
    `select interaction_id, type, count(*) from interaction_event where type in ('recording-started', 'recording-ended', 'recording-ready')
     group by interaction_id, type having count(*) > 1`,
  ],
];

/** What is missing of a recording must be marked in it; this much silence at its edges is no hole: agents pick up, phones latch. */
const EDGES_S = 1;
const RECORDED = `
  select r.id, r.interaction_id, r.state, r.error, r.duration_s, r.length_off_s, m.gaps,
    r.silence_left * r.duration_s as left_s, r.silence_right * r.duration_s as right_s
  from recording r left join lateral (
    select coalesce(sum((g ->> 'lengthS')::numeric), 0) as gaps from interaction_event e, jsonb_array_elements(e.data -> 'gaps') g
    where e.interaction_id = r.interaction_id and e.type = 'recording-ready') m on true
  where r.ended_at is not null and (r.state <> 'ready' or r.length_off_s is null or abs(r.length_off_s) > 1 or m.gaps > :allowed
    or r.silence_left * r.duration_s > m.gaps + :edges or r.silence_right * r.duration_s > m.gaps + :edges + :cut)`;

/**
 * Everything that contradicts itself on this floor, as sentences; empty when all is right. `gapsS`: what may be missing of
 * a recording, marked; `cutS`: for so long nothing could be heard of the agents.
 */
export async function auditFloor(
  instance: Instance,
  options: { sam?: Api; recordings?: boolean; gapsS?: number; cutS?: number; recordingsWithinMs?: number } = {},
): Promise<string[]> {
  const { db } = instance;
  const { sam, recordings = true, gapsS = 0, cutS = 0, recordingsWithinMs = 30_000 } = options;
  const wrong: string[] = [];
  if (recordings) {
    const end = Date.now() + recordingsWithinMs;
    // What is said of a recording follows its row by one commit.
    const unfinished = `select r.id from recording r where r.ended_at is not null and (r.state in ('recording', 'processing')
      or r.state = 'ready' and not exists (select 1 from interaction_event e
        where e.interaction_id = r.interaction_id and e.type = 'recording-ready'))`;
    while ((await db.raw(unfinished)).rows.length > 0 && Date.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 200));
  }
  for (const [rule, sql] of RULES) {
    const { rows } = await db.raw<{ rows: object[] }>(sql.replaceAll('?', '\\?'));
    if (rows.length > 0) wrong.push(`${rule}: ${rows.length} × ${JSON.stringify(rows.slice(0, 3))}`);
  }
  if (recordings) {
    const { rows } = await db.raw<{ rows: object[] }>(RECORDED, { allowed: gapsS, edges: EDGES_S, cut: cutS });
    if (rows.length > 0) wrong.push(`a recording is whole: ${rows.length} × ${JSON.stringify(rows.slice(0, 4))}`);
  }
  if (sam) wrong.push(...(await auditReports(instance, sam)));
  return wrong;
}

interface Counts {
  offered: number;
  answered: number;
  abandoned: number;
  flowedOut: number;
}

/** The report's figures against a recount from the raw segments, and their sums against each other. */
async function auditReports(instance: Instance, sam: Api): Promise<string[]> {
  const wrong: string[] = [];
  const from = new Date(Date.now() - 86_400_000).toISOString();
  const { items } = await sam.get<{ items: { queueId: string; waiting: number; figures: Counts }[] }>(
    `/reports/queues?from=${from}&to=${new Date(Date.now() + 86_400_000).toISOString()}`,
  );
  const { rows } = await instance.db.raw<{ rows: (Counts & { queueId: string; waiting: number })[] }>(
    `select queue_id as "queueId", count(*) filter (where ended_at is not null) as offered,
       count(*) filter (where end_reason = 'answered') as answered, count(*) filter (where end_reason = 'abandoned') as abandoned,
       count(*) filter (where end_reason not in ('answered', 'abandoned')) as "flowedOut", count(*) filter (where ended_at is null) as waiting
     from segment where kind = 'queue' and started_at >= ? group by queue_id`,
    [from],
  );
  for (const counted of rows) {
    const told = items.find(({ queueId }) => queueId === counted.queueId);
    const { figures, waiting } = told ?? { figures: undefined, waiting: undefined };
    for (const figure of ['offered', 'answered', 'abandoned', 'flowedOut'] as const)
      if (figures?.[figure] !== counted[figure])
        wrong.push(`the report says ${figure} ${figures?.[figure]}, the segments say ${counted[figure]}`);
    if (waiting !== counted.waiting) wrong.push(`the report says waiting ${waiting}, the segments ${counted.waiting}`);
    if (figures && figures.offered !== figures.answered + figures.abandoned + figures.flowedOut)
      wrong.push(`offered is not the sum of what became of it: ${JSON.stringify(figures)}`);
  }
  return wrong;
}
