import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Feature } from 'geojson';
import type { LiveVehicle } from '#contracts/live';
import { riskLevels } from '#contracts/risk';
import { vehicleStatuses } from '#contracts/vehicles';
import { idOf, liveVehicle, tenantId } from '../../../test/builders.ts';
import { packLine, stepsPerDegree, unpackLine } from './base-map.ts';
import { baseLayers, mapSlots } from './base-style.ts';
import { boundsOf, FleetFeatures, halfPixelDegrees, levelOfRank, markerName, riskRank } from './fleet-features.ts';
import { emptyOrder, orderOf, steppedId } from './fleet-order.ts';
import { changedProperties } from './layer-sync.ts';
import { chosenLayers } from './layers/chosen-layers.ts';
import { trailLayers } from './layers/trail-layers.ts';
import { vehicleLayers, vehicleSourceSpec } from './layers/vehicle-layers.ts';
import { badgedLevels, markerBadges, markerBodies } from './marker-images.ts';
import { between, readPalette } from './palette.ts';
import { askFrom, isFiltered, matcherOf, noFilters, paramsOfAsk, type MapAsk } from './view-url.ts';

const palette = readPalette((token) => `#${token.length.toString(16).padStart(6, '0')}`);
const mapOf = (vehicles: readonly LiveVehicle[]): Map<string, LiveVehicle> => new Map(vehicles.map((v) => [v.id, v]));
const everything = (): boolean => true;

describe('packed lines', () => {
  it('come back to a thousandth of a degree, without steps that go nowhere', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.double({ min: -180, max: 180, noNaN: true }), fc.double({ min: -85, max: 85, noNaN: true })),
          {
            minLength: 1,
          },
        ),
        (places) => {
          const wanted = places
            .map(([lon, lat]) => [Math.round(lon * stepsPerDegree), Math.round(lat * stepsPerDegree)] as const)
            .filter(([x, y], at, all) => at === 0 || x !== all[at - 1]?.[0] || y !== all[at - 1]?.[1]);
          const back = unpackLine(packLine(places)).map(([x = 0, y = 0]) => [
            Math.round(x * stepsPerDegree),
            Math.round(y * stepsPerDegree),
          ]);
          expect(back.map(String)).toEqual(wanted.map(([x, y]) => String([x + 0, y + 0])));
        },
      ),
    );
  });
});

describe('what the source of vehicles is fed', () => {
  /** What a source holds after some changes, as maplibre applies them: remove, then add (which replaces), then update. */
  const applied = (held: Map<string, Feature>, change: ReturnType<FleetFeatures['next']>): void => {
    for (const id of change?.remove ?? []) held.delete(String(id));
    for (const feature of change?.add ?? []) held.set(String(feature.properties?.['id']), feature);
    for (const { id, newGeometry, addOrUpdateProperties = [] } of change?.update ?? []) {
      const known = held.get(String(id));
      if (known === undefined) throw new Error('an update of what is not there is lost');
      const properties = {
        ...known.properties,
        ...Object.fromEntries(addOrUpdateProperties.map(({ key, value }) => [key, value as unknown])),
      };
      held.set(String(id), { ...known, properties, geometry: newGeometry ?? known.geometry });
    }
  };
  const arbitrary = fc.array(
    fc.record({
      n: fc.integer({ min: 1, max: 12 }),
      lat: fc.option(fc.integer({ min: -80, max: 80 })),
      status: fc.constantFrom(...vehicleStatuses),
      riskLevel: fc.option(fc.constantFrom(...riskLevels)),
      heading: fc.option(fc.integer({ min: 0, max: 359 })),
    }),
    { maxLength: 12 },
  );

  it('is, change by change, what it would be fed from nothing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(arbitrary, fc.constantFrom(null, ...vehicleStatuses)), { maxLength: 6 }),
        (steps) => {
          const features = new FleetFeatures();
          const held = new Map<string, Feature>();
          let before = new Map<string, LiveVehicle>();
          for (const [records, status] of steps) {
            const vehicles = mapOf(
              records.map(({ n, ...rest }) => {
                const next = liveVehicle(n, rest);
                const known = before.get(next.id);
                // As folding does: what has not changed is the same object.
                return known !== undefined && JSON.stringify(known) === JSON.stringify(next) ? known : next;
              }),
            );
            const isShown = (vehicle: LiveVehicle): boolean => status === null || vehicle.status === status;
            applied(held, features.next(vehicles.values(), isShown));
            const fresh = new Map<string, Feature>();
            applied(fresh, new FleetFeatures().next(vehicles.values(), isShown));
            expect(new Map([...held].sort())).toEqual(new Map([...fresh].sort()));
            expect(features.size).toBe(fresh.size);
            before = vehicles;
          }
        },
      ),
    );
  });

  it('is nothing for a change that cannot be seen on the map', () => {
    const features = new FleetFeatures();
    const first = liveVehicle(1);
    expect(features.next([first], everything)?.add).toHaveLength(1);
    expect(features.next([first], everything)).toBeNull();
    expect(features.next([{ ...first, healthScore: 3, at: '2026-11-20T09:01:00.000Z' }], everything)).toBeNull();
    const moved = features.next([{ ...first, lat: 41 }], everything);
    expect(moved).toEqual({
      remove: [],
      add: [],
      update: [{ id: first.id, newGeometry: { type: 'Point', coordinates: [first.lon, 41] } }],
    });
    expect(features.next([{ ...first, lat: 41, status: 'stale' }], everything)?.add).toHaveLength(1);
    expect(features.next([{ ...first, lat: null }], everything)).toEqual({ add: [], update: [], remove: [first.id] });
  });

  it('turns the arrow of a moving truck only', () => {
    const turnOf = (vehicle: LiveVehicle): unknown =>
      new FleetFeatures().next([vehicle], everything)?.add?.[0]?.properties?.['turn'];
    expect(turnOf(liveVehicle(1, { status: 'moving', heading: 270 }))).toBe(270);
    expect(turnOf(liveVehicle(1, { status: 'moving', heading: null }))).toBe(0);
    expect(turnOf(liveVehicle(1, { status: 'stopped', heading: 270 }))).toBe(0);
  });

  it('never lets a truck stand further than the tolerance from where it is', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 40 }), (steps) => {
        const features = new FleetFeatures();
        const held = new Map<string, Feature>();
        let lon = -100;
        for (const step of steps) {
          lon += step / 10;
          applied(held, features.next([liveVehicle(1, { lon })], everything, 0.7));
          const drawn = held.get(idOf(1))?.geometry;
          const at = drawn?.type === 'Point' ? (drawn.coordinates[0] ?? 0) : Number.NaN;
          expect(Math.abs(at - lon)).toBeLessThanOrEqual(0.7 + 1e-9);
        }
        // Looked at from near, it is where it is.
        applied(held, features.next([liveVehicle(1, { lon })], everything, 0));
        expect(held.get(idOf(1))?.geometry).toEqual({ type: 'Point', coordinates: [lon, 40] });
      }),
    );
  });

  it('tells a move of a highway truck from the whole country only every minute or so', () => {
    // 60 mph at 40° north: 31.5 hundred-thousandths of a degree of longitude a second.
    const degreesPerSecond = 26.8 / (111_195 * Math.cos((40 * Math.PI) / 180));
    expect(halfPixelDegrees(4) / degreesPerSecond).toBeGreaterThan(60);
    expect(halfPixelDegrees(12) / degreesPerSecond).toBeLessThan(1);
  });

  it('has a box that leaves out trucks without a place', () => {
    expect(boundsOf([liveVehicle(1, { lat: null })])).toBeNull();
    expect(
      boundsOf([
        liveVehicle(1, { lat: 40, lon: -100 }),
        liveVehicle(2, { lat: 35, lon: -80 }),
        liveVehicle(3, { lon: null }),
      ]),
    ).toEqual([-100, 35, -80, 40]);
  });
});

describe('how trucks and clusters look', () => {
  it('ranks risk so that the worst of a cluster is the highest', () => {
    expect([null, ...riskLevels].map(riskRank)).toEqual([0, 1, 2, 3, 4]);
    expect([0, 1, 2, 3, 4].map(levelOfRank)).toEqual([null, ...riskLevels]);
    expect(vehicleSourceSpec.clusterProperties).toEqual({ worst: ['max', ['get', 'rank']] });
  });

  it('has an image of its own for every state, and a shape for every level that asks for attention', () => {
    const names = vehicleStatuses.flatMap((status) =>
      [null, ...riskLevels].map((riskLevel) => markerName({ status, riskLevel })),
    );
    expect(new Set(names).size).toBe(25);
    expect(
      new Set(vehicleStatuses.map((status) => `${markerBodies[status].path}${markerBodies[status].marks}`)).size,
    ).toBe(5);
    expect(new Set(badgedLevels.map((level) => markerBadges[level])).size).toBe(badgedLevels.length);
  });

  it('colours a cluster by its worst truck, in the theme that holds', () => {
    const colours = (stroke: unknown): string => JSON.stringify(stroke);
    const [, , , bubbles] = vehicleLayers({ ...palette, low: '#111111', high: '#333333' });
    const stroke = colours(
      bubbles?.paint && 'circle-stroke-color' in bubbles.paint && bubbles.paint['circle-stroke-color'],
    );
    expect(stroke).toContain('1,"#111111"');
    expect(stroke).toContain('3,"#333333"');
  });

  it('has no id twice, and every place in the stack exists', () => {
    const layers = [
      ...baseLayers(palette),
      ...vehicleLayers(palette),
      ...chosenLayers(palette),
      ...trailLayers(palette),
    ];
    expect(new Set(layers.map(({ id }) => id)).size).toBe(layers.length);
    for (const slot of Object.values(mapSlots)) expect(layers.map(({ id }) => id)).toContain(slot);
  });

  it('mixes colours, and sets only properties that differ', () => {
    expect(between('#000000', '#ffffff', 0.5)).toBe('#808080');
    expect(between('#0b5c9e', '#ffffff', 0)).toBe('#0b5c9e');
    expect(changedProperties({ a: 1, b: [1, 2], gone: 3 }, { a: 1, b: [1, 3], fresh: 4 })).toEqual([
      ['b', [1, 3]],
      ['gone', undefined],
      ['fresh', 4],
    ]);
  });
});

describe('the order of the list', () => {
  const fleet = [
    liveVehicle(1, { unitNumber: 'T-10', riskScore: 5 }),
    liveVehicle(2, { unitNumber: 'T-9', riskScore: 5 }),
    liveVehicle(3, { unitNumber: 'T-1', riskScore: null }),
    liveVehicle(4, { unitNumber: 'T-2', riskScore: 90 }),
  ];

  it('is worst first, then by unit as people count', () => {
    expect(orderOf(mapOf(fleet)).ids).toEqual([4, 2, 1, 3].map(idOf));
  });

  it('stays the same object while trucks move, and is made anew when one changes, comes or goes', () => {
    const order = orderOf(mapOf(fleet), emptyOrder);
    const moved = fleet.map((vehicle) => ({ ...vehicle, lat: 41, status: 'moving' as const }));
    expect(orderOf(mapOf(moved), order)).toBe(order);
    expect(orderOf(mapOf(moved.slice(1)), order)).not.toBe(order);
    const worse = moved.map((vehicle) => (vehicle.id === idOf(3) ? { ...vehicle, riskScore: 95 } : vehicle));
    expect(orderOf(mapOf(worse), order).ids[0]).toBe(idOf(3));
    // Another truck in one's stead, as many as before.
    expect(orderOf(mapOf([...moved.slice(1), liveVehicle(9)]), order).ids).toContain(idOf(9));
  });

  it('is walked without leaving it', () => {
    const ids = ['a', 'b', 'c'];
    expect(steppedId(ids, null, 1)).toBe('a');
    expect(steppedId(ids, null, -1)).toBe('c');
    expect(steppedId(ids, 'b', 1)).toBe('c');
    expect(steppedId(ids, 'c', 10)).toBe('c');
    expect(steppedId(ids, 'gone', 1)).toBe('a');
    expect(steppedId([], 'a', 1)).toBeNull();
  });
});

describe('the address of a view', () => {
  const asked: MapAsk = {
    q: 'kenworth 12',
    status: 'stale',
    riskLevel: 'high',
    tenantId,
    panel: 'trucks',
    geofenceId: null,
    vehicleId: idOf(1),
    trail: '7d',
    at: '2026-11-19T08:00:00.000Z',
  };

  it('brings back what it was made of', () => {
    expect(askFrom(paramsOfAsk(asked))).toEqual(asked);
    const fence: MapAsk = { ...asked, panel: 'geofences', geofenceId: idOf(2) };
    expect(askFrom(paramsOfAsk(fence))).toEqual(fence);
    const list: MapAsk = { ...asked, panel: 'geofences' };
    expect(askFrom(paramsOfAsk(list))).toEqual(list);
    const nothing = askFrom(new URLSearchParams());
    expect(paramsOfAsk(nothing).toString()).toBe('');
    expect(isFiltered(nothing)).toBe(false);
  });

  it('leaves out what makes no sense, and never throws', () => {
    expect(
      askFrom(
        new URLSearchParams(
          'status=flying&riskLevel=9&tenantId=x&vehicle=../..&geofence=1&panel=x&trail=24h&at=2026-13-40T99:00:00Z',
        ),
      ),
    ).toEqual({ ...noFilters, panel: 'trucks', geofenceId: null, vehicleId: null, trail: null, at: null });
    fc.assert(
      fc.property(fc.string(), (text) => {
        const ask = askFrom({ get: () => text });
        expect(ask.at === null || !Number.isNaN(Date.parse(ask.at))).toBe(true);
        paramsOfAsk(ask);
      }),
    );
  });

  it('finds trucks by every word, whatever its case', () => {
    const truck = liveVehicle(1, { unitNumber: 'BR-117', make: 'Kenworth', model: 'T680' });
    const finds = (filters: Partial<MapAsk>): boolean => matcherOf({ ...noFilters, ...filters })(truck);
    expect(finds({ q: ' kenw 117 ' })).toBe(true);
    expect(finds({ q: 'kenworth 118' })).toBe(false);
    expect(finds({ status: 'moving' })).toBe(false);
    expect(finds({ riskLevel: 'low', tenantId })).toBe(true);
    expect(finds({ tenantId: idOf(5) })).toBe(false);
    expect(matcherOf({ ...noFilters, q: 't680' })({ ...truck, make: null, model: null })).toBe(false);
  });
});
