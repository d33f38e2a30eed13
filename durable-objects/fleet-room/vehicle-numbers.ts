/**
 * The small numbers by which packed frames name vehicles. A vehicle keeps its number as long as the room's epoch, gone
 * and come back included: a client may hold it from long ago. Numbers are given, and written, when the first packed
 * frame needs them; a room without packed readers never touches them.
 */
const schema =
  'CREATE TABLE IF NOT EXISTS vehicle_numbers (id TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID';
const rowsPerStatement = 5_000;

export class VehicleNumbers {
  private readonly sql: SqlStorage;
  private numbers: Map<string, number> | null = null;
  private fresh: [id: string, number: number][] = [];

  constructor(storage: DurableObjectStorage) {
    this.sql = storage.sql;
    this.sql.exec(schema);
  }

  readonly of = (vehicleId: string): number => {
    const numbers = this.load();
    let number = numbers.get(vehicleId);
    if (number === undefined) {
      number = numbers.size + 1;
      numbers.set(vehicleId, number);
      this.fresh.push([vehicleId, number]);
    }
    return number;
  };

  /** Before a frame with new numbers leaves: a number that was sent must never stand for another vehicle. */
  save(): void {
    if (this.fresh.length === 0) return;
    const fresh = this.fresh;
    this.fresh = [];
    for (let from = 0; from < fresh.length; from += rowsPerStatement) {
      this.sql.exec(
        'INSERT OR IGNORE INTO vehicle_numbers SELECT value ->> 0, value ->> 1 FROM json_each(?)',
        JSON.stringify(fresh.slice(from, from + rowsPerStatement)),
      );
    }
  }

  private load(): Map<string, number> {
    if (this.numbers) return this.numbers;
    const numbers = new Map<string, number>();
    for (const { id, number } of this.sql.exec<{ id: string; number: number }>('SELECT * FROM vehicle_numbers')) {
      numbers.set(id, number);
    }
    this.numbers = numbers;
    return numbers;
  }
}
