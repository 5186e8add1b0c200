import type { Knex } from 'knex';

/** What reports count, as views over segments: every figure can show its rows. Owner: appliance/reporting. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- One row per presentation of an interaction to a queue. It belongs to the period in which it arrived.
    create view queue_contact as
    select s.id, s.interaction_id, s.queue_id, i.channel, i.direction, i.from_address, i.customer_id,
      s.started_at, s.ended_at, s.duration_s as wait_s, s.end_reason,
      case
        when s.ended_at is null then 'waiting'
        when s.end_reason = 'answered' then 'answered'
        when s.end_reason = 'abandoned' then 'abandoned'
        else 'flowed-out'
      end as outcome,
      first.agent_id
    from segment s
    join interaction i on i.id = s.interaction_id
    left join lateral (
      select a.agent_id from segment a
      where s.end_reason = 'answered' and a.interaction_id = s.interaction_id and a.kind in ('agent', 'hold') and a.started_at >= s.ended_at
      order by a.started_at, a.id limit 1
    ) first on true
    where s.kind = 'queue';

    -- What was done for an answered presentation: conversation, hold and wrap-up in its queue, until the queue answers it again.
    create view queue_handling as
    select c.id as contact_id, c.interaction_id, c.queue_id, h.id as segment_id, h.kind, h.agent_id, h.started_at, h.ended_at, h.duration_s
    from queue_contact c
    join segment h on h.interaction_id = c.interaction_id and h.queue_id = c.queue_id
      and h.kind in ('agent', 'hold', 'wrap-up') and h.started_at >= c.ended_at
    where c.outcome = 'answered'
      and not exists (
        select 1 from segment n
        where n.interaction_id = c.interaction_id and n.queue_id = c.queue_id and n.kind = 'queue' and n.end_reason = 'answered'
          and n.ended_at > c.ended_at and n.ended_at <= h.started_at
      );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop view queue_handling, queue_contact');
}
