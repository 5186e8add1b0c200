import type { QueueFigures } from '#appliance/contract/work.ts';
import { count } from '#lib/i18n/time.ts';
import { m } from '#lib/paraglide/messages.js';

/** How the service level was counted, with its numbers, in the person's language. */
export function levelFormula(figures: QueueFigures): string {
  if (figures.serviceLevel === null) return m.nothing_counted();
  const seconds = figures.serviceLevelThresholdS;
  const within = count(figures.answeredWithinS);
  const offered = count(figures.offered);
  const lost = count(figures.abandonedWithinS);
  switch (figures.serviceLevelKind) {
    case 'handled':
      return m.level_handled({ seconds, within, answered: count(figures.answered) });
    case 'without-abandons':
      return m.level_without_abandons({ seconds, within, offered, lost });
    case 'positive':
      return m.level_positive({ seconds, within, offered, lost });
    case 'negative':
      return m.level_negative({ seconds, within, offered });
    case 'without-short':
      return m.level_without_short({ seconds, within, offered, short: count(figures.shortAbandoned) });
  }
}
