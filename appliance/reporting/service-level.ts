// The service level and its variants, from one set of counts. Pure. P offered, H answered, A abandoned, S short abandons, T threshold.

export const SERVICE_LEVEL_FORMULAS = ['handled', 'without-abandons', 'positive', 'negative', 'without-short'] as const;
export type ServiceLevelFormula = (typeof SERVICE_LEVEL_FORMULAS)[number];

export interface Counts {
  offered: number;
  answered: number;
  answeredWithin: number;
  abandoned: number;
  abandonedWithin: number;
  shortAbandoned: number;
  flowedOut: number;
}

export interface ServiceLevel {
  /** 0 to 1; null when nothing counts. */
  value: number | null;
  /** In words and with the numbers, as printed under the figure. */
  formula: string;
}

export function serviceLevel(kind: ServiceLevelFormula, counts: Counts, thresholdS: number): ServiceLevel {
  const within = `answered within ${thresholdS} s`;
  const { offered: p, answered: h, answeredWithin: ht, abandonedWithin: at, shortAbandoned: s } = counts;
  switch (kind) {
    case 'handled':
      return level(ht, h, `${within} ÷ answered = ${ht} ÷ ${h}`);
    case 'without-abandons':
      return level(ht, p - at, `${within} ÷ (offered − abandoned within ${thresholdS} s) = ${ht} ÷ (${p} − ${at})`);
    case 'positive':
      return level(ht + at, p, `(${within} + abandoned within ${thresholdS} s) ÷ offered = (${ht} + ${at}) ÷ ${p}`);
    case 'negative':
      return level(ht, p, `${within} ÷ offered = ${ht} ÷ ${p}`);
    case 'without-short':
      return level(ht, p - s, `${within} ÷ (offered − short abandons) = ${ht} ÷ (${p} − ${s})`);
  }
}

function level(part: number, whole: number, formula: string): ServiceLevel {
  return { value: whole > 0 ? part / whole : null, formula };
}
