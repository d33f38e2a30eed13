/** The form of one line of the feature list. */

export type FeatureGroup = 'faults' | 'lamps' | 'usage' | 'age' | 'maintenance' | 'signals' | 'season';

export interface FeatureDefinition {
  name: string;
  /** As a person would call it, in the middle of a sentence. */
  label: string;
  /** What one of it is; empty for a pure number. */
  unit: string;
  group: FeatureGroup;
  /** 1: a higher value never lowers the hazard; −1: never raises it; 0: free. */
  monotone: -1 | 0 | 1;
  reason: string;
}
