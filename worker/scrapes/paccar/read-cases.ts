/**
 * The shop's cases of the vehicles of one step, read beside their own pages where a vehicle is due. They are worth having
 * and nothing depends on them: what goes wrong here never spoils the reading of faults.
 */
import { extractCases, type ObservedCase } from './extract-cases.ts';
import { recognise, visit, type Surroundings } from './visit.ts';
import type { ObservedFault, ObservedVehicle } from '#contracts/sync';
import { jsonBytes } from '../text.ts';
import { toScrapeError, type ScrapeError, type ScrapeFailure } from '../errors.ts';
import type { PortalPage } from '../page.ts';

export interface VehicleCases {
  vin: string;
  cases: ObservedCase[];
  /** Numbers of cases that are open or were called off; absent in results that an earlier version kept. */
  takenBack?: string[];
}

export interface CasesReading {
  /** Vehicles whose cases were read; most often few. */
  read: VehicleCases[];
  /** How many were due and could not be read, and what was wrong with the first. */
  unread: number;
  trouble: ScrapeFailure | null;
  /** True when it makes no sense to open another cases page in this run. */
  isGivenUp: boolean;
}

/** Whether a vehicle's cases are to be looked at, now that its faults have been read. */
export type CasesAreDue = (vin: string, faults: readonly ObservedFault[]) => boolean;

/** Reads a page in turn, as politely as every other one. */
export type Attempt = <T>(reading: () => Promise<T>) => Promise<T>;

export class CaseReader {
  readonly reading: CasesReading = { read: [], unread: 0, trouble: null, isGivenUp: false };
  /** What `reading.read` takes up in the step's result. */
  bytes = 0;
  private readonly around: Surroundings;
  private readonly attempt: Attempt;
  private readonly areDue: CasesAreDue;

  constructor(around: Surroundings, attempt: Attempt, areDue: CasesAreDue) {
    this.around = around;
    this.attempt = attempt;
    this.areDue = areDue;
  }

  isDue({ vin, faults }: ObservedVehicle): boolean {
    return !this.reading.isGivenUp && this.areDue(vin, faults ?? []);
  }

  /** Reads one vehicle's cases. What went wrong is handed back besides being noted. */
  async readInto(page: PortalPage, vin: string): Promise<ScrapeError | null> {
    try {
      const { cases, takenBack } = await this.attempt(async () => {
        await visit(page, `/assets/${encodeURIComponent(vin)}/cases`, this.around);
        return recognise(page, 'cases', extractCases, this.around);
      });
      const read: VehicleCases = { vin, cases, takenBack };
      this.reading.read.push(read);
      this.bytes += jsonBytes(read);
      return null;
    } catch (thrown) {
      const error = toScrapeError(thrown);
      this.reading.unread += 1;
      this.reading.trouble ??= error.toFailure();
      // A page that nobody knows looks the same for every vehicle; one that is slow or gone may be this one's alone.
      this.reading.isGivenUp ||=
        error.code === 'MARKUP_CHANGED' || this.reading.unread >= this.around.terms.troubleAfterFailures;
      return error;
    }
  }
}

/** Failures that are about the portal, the session or the browser, and not about one page: the step must hear of them. */
export const concernsEveryPage = ({ code }: ScrapeError): boolean =>
  code === 'RATE_LIMITED' || code === 'SESSION_EXPIRED' || code === 'BROWSER_LOST';
