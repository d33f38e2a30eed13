/**
 * Reading the portal once signed in: the vehicle list page by page, and the vehicles' own pages several at a time.
 * What was read is handed back even when the reading had to stop, so that a broken browser costs one step, not the run.
 */
import { extractAsset } from './extract-asset.ts';
import { extractAssets, type ListedAsset } from './extract-assets.ts';
import { extractFaults } from './extract-faults.ts';
import { CaseReader, concernsEveryPage, type CasesAreDue, type CasesReading } from './read-cases.ts';
import { ensureSignedIn } from './sign-in.ts';
import { addressOf, recognise, visit, type Surroundings } from './visit.ts';
import type { ObservedVehicle } from '#contracts/sync';
import { toScrapeError, type ScrapeFailure } from '../errors.ts';
import type { PortalContext, PortalCookie, PortalPage } from '../page.ts';
import type { PortalAccess } from '../portal-terms.ts';
import { jsonBytes } from '../text.ts';

export interface PortalSession {
  context: PortalContext;
  access: PortalAccess;
  around: Surroundings;
  /** Cookies of a sign-in made on the way, for the caller to keep; null while the stored ones hold. */
  newCookies: PortalCookie[] | null;
}

/** Opens a session with the stored cookies or a fresh sign-in. */
export async function openSession(
  context: PortalContext,
  access: PortalAccess,
  stored: PortalCookie[],
  around: Surroundings,
): Promise<PortalSession> {
  return { context, access, around, newCookies: await ensureSignedIn(context, access, stored, around) };
}

/** Shared by the pages of one step: one sign-in when the session ends, one pause when the portal asks for it. */
class Courtesy {
  private signIn: Promise<void> | null = null;
  private signIns = 0;
  private hasReadSinceSignIn = true;
  private holdUntilMs = 0;
  private holds = 0;
  private underWay = 0;
  private readonly whenQuiet: (() => void)[] = [];

  private readonly session: PortalSession;
  constructor(session: PortalSession) {
    this.session = session;
  }

  /** Runs one reading after a short breath; waits out a short 429, signs in again when thrown out, then tries again. */
  async attempt<T>(reading: () => Promise<T>): Promise<T> {
    const { clock, terms } = this.session.around;
    for (;;) {
      await clock.sleep(terms.pauseMs.min + clock.random() * (terms.pauseMs.max - terms.pauseMs.min));
      const hold = this.holdUntilMs - clock.now();
      if (hold > 0) await clock.sleep(hold);
      if (this.signIn !== null) await this.signIn;
      const signInsBefore = this.signIns;
      try {
        const read = await this.counted(reading);
        this.hasReadSinceSignIn = true;
        return read;
      } catch (thrown) {
        const error = toScrapeError(thrown);
        const isHandled =
          (error.code === 'RATE_LIMITED' && this.hold(error.retryAfterMs ?? terms.defaultRetryAfterMs)) ||
          (error.code === 'SESSION_EXPIRED' && (await this.signInAgain(signInsBefore)));
        if (!isHandled) throw error;
      }
    }
  }

  private async counted<T>(reading: () => Promise<T>): Promise<T> {
    this.underWay += 1;
    try {
      return await reading();
    } finally {
      this.underWay -= 1;
      if (this.underWay === 0) for (const go of this.whenQuiet.splice(0)) go();
    }
  }

  /** Resolves once no page is being read: one that strays to the sign-in form would spoil the form being filled in. */
  private quiet(): Promise<void> {
    return this.underWay === 0 ? Promise.resolve() : new Promise((resolve) => this.whenQuiet.push(resolve));
  }

  /** Keeps every page of this step back; false when that would be too long, or has happened too often. */
  private hold(waitMs: number): boolean {
    const { clock, terms } = this.session.around;
    if (waitMs > terms.shortWaitMs) return false;
    // Pages that were already on their way are refused as well: they belong to the same pause.
    if (clock.now() >= this.holdUntilMs) this.holds += 1;
    if (this.holds > maxHolds) return false;
    this.holdUntilMs = Math.max(this.holdUntilMs, clock.now() + waitMs + clock.random() * 250);
    return true;
  }

  /** False when a fresh sign-in did not last for a single page, or the portal throws us out again and again. */
  private async signInAgain(signInsBefore: number): Promise<boolean> {
    // Another page of this step signed in since the failing request began: just try again.
    if (this.signIns > signInsBefore) return true;
    if (this.signIn === null) {
      if (!this.hasReadSinceSignIn || this.signIns >= maxSignInsPerStep) return false;
      this.hasReadSinceSignIn = false;
      const { context, access, around } = this.session;
      this.signIn = this.quiet()
        .then(() => ensureSignedIn(context, access, [], around))
        .then((cookies) => {
          this.session.newCookies = cookies;
          this.signIns += 1;
          this.signIn = null;
        });
    }
    await this.signIn;
    return true;
  }
}

/** Enough for a portal that meters every few pages, few enough to end. */
const maxHolds = 100;
const maxSignInsPerStep = 20;
/** 50 vehicles a page: a step reads up to 3,000 vehicles and its result stays far under a mebibyte. */
const maxListPagesPerStep = 60;

export interface ListReading {
  assets: ListedAsset[];
  rejected: string[];
  /** Where the next step goes on; null when the list is at its end. */
  nextHref: string | null;
}

/** Reads the vehicle list from `startHref`. A next link that leads back, away, or to nothing new ends it. */
export async function readVehicleList(
  session: PortalSession,
  startHref = '/assets',
  onProgress: () => Promise<void> = async () => undefined,
): Promise<ListReading> {
  const { around, context } = session;
  const courtesy = new Courtesy(session);
  const page = await context.newPage();
  const assets = new Map<string, ListedAsset>();
  const rejected: string[] = [];
  const visited = new Set<string>();
  let href: string | null = startHref;
  try {
    while (href !== null && visited.size < maxListPagesPerStep) {
      const address: string = addressOf(around.baseUrl, href);
      visited.add(address);
      const listed = await courtesy.attempt(async () => {
        await visit(page, address, around);
        return recognise(page, 'vehicle list', extractAssets, around);
      });
      const sizeBefore = assets.size;
      for (const asset of listed.assets) if (!assets.has(asset.vin)) assets.set(asset.vin, asset);
      rejected.push(...listed.rejected.slice(0, Math.max(0, maxRejectedKept - rejected.length)));
      const next = listed.nextHref === null ? null : sameSite(listed.nextHref, page.url());
      href = assets.size === sizeBefore || next === null || visited.has(next) ? null : next;
      await onProgress();
    }
    return { assets: [...assets.values()], rejected, nextHref: href };
  } finally {
    await page.close().catch(() => undefined);
  }
}

const maxRejectedKept = 50;

/** The link made whole; null when it leads to another site, which no list page of the portal does. */
function sameSite(href: string, from: string): string | null {
  try {
    const target = new URL(href, from);
    return target.origin === new URL(from).origin ? target.href : null;
  } catch {
    return null;
  }
}

export interface DetailReading {
  vehicles: ObservedVehicle[];
  /** Vehicles whose own page failed, with the reason. */
  failed: { asset: ListedAsset; failure: ScrapeFailure }[];
  /** Not reached before the reading stopped. */
  remaining: ListedAsset[];
  /** Why it stopped before the end; null at the end, or when the step's time or room was used up. */
  stopped: ScrapeFailure | null;
  /** What was read of the shop's cases; absent in results that an earlier version kept. */
  cases?: CasesReading;
}

const noCasesDue: CasesAreDue = () => false;

/**
 * Reads the own pages of `assets`, several at a time, and the cases of those for which they are due. Never throws: what
 * went wrong is in the result.
 */
export async function readVehicleDetails(
  session: PortalSession,
  assets: ListedAsset[],
  onProgress: () => Promise<void>,
  casesAreDue: CasesAreDue = noCasesDue,
): Promise<DetailReading> {
  const { around, context } = session;
  const { clock, terms } = around;
  const courtesy = new Courtesy(session);
  const cases = new CaseReader(around, (reading) => courtesy.attempt(reading), casesAreDue);
  const queue = [...assets];
  const result: DetailReading = { vehicles: [], failed: [], remaining: [], stopped: null, cases: cases.reading };
  const endAtMs = clock.now() + terms.stepBudgetMs;
  let failuresInARow = 0;
  let vehicleBytes = 0;
  const isFull = (): boolean => vehicleBytes + cases.bytes >= terms.stepResultBytes;

  const work = async (): Promise<void> => {
    let page: PortalPage | null = null;
    while (result.stopped === null && clock.now() < endAtMs && !isFull()) {
      const asset = queue.shift();
      if (!asset) break;
      try {
        page ??= await context.newPage();
        const { vehicle, hasCases } = await readVehicle(page, asset, around, courtesy);
        result.vehicles.push(vehicle);
        vehicleBytes += jsonBytes(vehicle);
        failuresInARow = 0;
        if (hasCases && cases.isDue(vehicle)) {
          const trouble = await cases.readInto(page, vehicle.vin);
          if (trouble !== null) {
            // The vehicle itself has been read: only what is about all of them stops the step.
            if (concernsEveryPage(trouble)) result.stopped ??= trouble.toFailure();
            await page.close().catch(() => undefined);
            page = null;
          }
        }
      } catch (thrown) {
        const error = toScrapeError(thrown);
        const isOwnFault = error.code === 'TIMED_OUT' || error.code === 'UPSTREAM_FAILED';
        if (isOwnFault) result.failed.push({ asset, failure: error.toFailure() });
        else result.remaining.push(asset);
        failuresInARow += 1;
        if (!isOwnFault || failuresInARow >= terms.troubleAfterFailures) result.stopped ??= error.toFailure();
        // What a failed page still has under way must not disturb the next vehicle.
        await page?.close().catch(() => undefined);
        page = null;
      }
      await onProgress();
    }
    await page?.close().catch(() => undefined);
  };

  const workers = Array.from({ length: Math.min(terms.parallelPages, assets.length) }, work);
  await Promise.all(
    workers.map((worker) => worker.catch((error: unknown) => (result.stopped ??= toScrapeError(error).toFailure()))),
  );
  result.remaining.push(...queue);
  if (result.stopped && failuresInARow >= terms.troubleAfterFailures) {
    // The portal was in trouble, not these vehicles: they are read again with the rest.
    result.remaining.push(...result.failed.splice(0).map(({ asset }) => asset));
  }
  return result;
}

async function readVehicle(
  page: PortalPage,
  asset: ListedAsset,
  around: Surroundings,
  courtesy: Courtesy,
): Promise<{ vehicle: ObservedVehicle; hasCases: boolean }> {
  const path = `/assets/${encodeURIComponent(asset.vin)}`;
  const detail = await courtesy.attempt(async () => {
    await visit(page, path, around);
    return recognise(page, 'vehicle', (html) => extractAsset(html, asset.vin), around);
  });
  const { faults } = await courtesy.attempt(async () => {
    await visit(page, `${path}/diagnostics`, around);
    return recognise(page, 'diagnostics', extractFaults, around);
  });
  return { vehicle: toObservedVehicle(asset, detail, faults), hasCases: detail.hasCases };
}

/** List row, own page and faults as the one shape that the persist step knows; `faults` null when they were not read. */
export function toObservedVehicle(
  asset: ListedAsset,
  detail: Pick<ObservedVehicle, 'odometerMiles' | 'engineHours' | 'engineMake' | 'engineModel' | 'position'> | null,
  faults: ObservedVehicle['faults'],
): ObservedVehicle {
  return {
    vin: asset.vin,
    unitNumber: asset.unitNumber,
    year: asset.year,
    make: asset.make,
    model: asset.model,
    engineMake: detail?.engineMake ?? null,
    engineModel: detail?.engineModel ?? null,
    odometerMiles: detail?.odometerMiles ?? null,
    engineHours: detail?.engineHours ?? null,
    position: detail?.position ?? null,
    faults,
  };
}
