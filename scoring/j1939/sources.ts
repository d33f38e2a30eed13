/**
 * Where the facts of the catalogue come from. A public standard or regulation says it; a maker's public document says it;
 * or we concluded it ourselves from how such parts work, which is most of the judgement.
 */

export interface FactSource {
  kind: 'public_standard' | 'maker_document' | 'own_inference';
  /** The document, or what the conclusion rests on. */
  where: string;
}

const standard = (where: string): FactSource => ({ kind: 'public_standard', where });
const maker = (where: string): FactSource => ({ kind: 'maker_document', where });

export const sources = {
  own: { kind: 'own_inference', where: 'How such parts work and fail; not taken from a document.' },
  spnList: standard('SAE J1939 parameter numbers, as published lists and service literature use them.'),
  unconfirmed: {
    kind: 'own_inference',
    where: 'The number as the trade uses it; not yet confirmed against a published list.',
  },
  fmiList: standard('SAE J1939-73, failure mode identifiers 0–31.'),
  airBrakeWarning: standard(
    '49 CFR 393.51 and 571.121: low air warning at 55 psi or half the cut-out pressure, at least.',
  ),
  springBrakes: standard('FMCSA model CDL manual, air brakes: spring brakes come on by themselves at 20–45 psi.'),
  defFreightliner: maker('Freightliner 108SD/114SD Plus driver’s manual, “DEF Warnings and Engine Limits”.'),
  defLevelPrevost: maker('Prevost X3-45 owner’s manual 2015, “DEF tank level driver warning and inducement”.'),
  defQualityNavistar: maker(
    'International LT Series operator’s manual (Cummins X15), “DEF quality problem” indicators.',
  ),
  sootMack: maker('Mack V-MAC IV Co-Pilot operator’s manual, soot load levels 1–4.'),
  regenFreightliner: maker('Freightliner Business Class M2 driver’s manual, “Regeneration”.'),
  lampsCummins: maker(
    'Cummins on-highway driver tips: amber at the first opportunity, red as soon as it is safe to stop.',
  ),
  protectionCummins: maker('Cummins PowerSpec, engine protection: red lamp, derate, optional shutdown.'),
  checkTransAllison: maker(
    'Allison operator’s manual, CHECK TRANS light: shifts restricted, neutral only after a restart.',
  ),
} as const satisfies Readonly<Record<string, FactSource>>;
