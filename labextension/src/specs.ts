/** Units that a second of each computing configuration costs; a test compares them with the server's. */
export const UNITS_EACH_SECOND: Readonly<Record<string, number>> = {
  'c1.4': 4,
  'c1.8': 8,
  'c1.32': 32,
  'c1.80': 80,
  'g1.1': 72,
  'g1.2': 144,
  'g1.4': 288,
  'g2.1': 116,
  'g2.2': 232,
  'g2.4': 464,
  'g2.8': 928,
  'gt4.1': 36,
};

/** What runs where nothing else is chosen. */
export const DEFAULT_SPEC = 'c1.4';
