/** Cities by their true coordinates (degrees) and the interstates between neighbours. */

export interface City {
  name: string;
  state: string;
  lat: number;
  lon: number;
  climate: Climate;
}

/** hot = desert and gulf summers, cold = northern plains winters, wet = coastal, mild = the rest. */
export type Climate = 'hot' | 'cold' | 'wet' | 'mild';

const city = (name: string, state: string, lat: number, lon: number, climate: Climate): City => ({
  name,
  state,
  lat,
  lon,
  climate,
});

export const cities = {
  SEA: city('Seattle', 'WA', 47.6062, -122.3321, 'wet'),
  YKM: city('Yakima', 'WA', 46.6021, -120.5059, 'mild'),
  PSC: city('Pasco', 'WA', 46.2396, -119.1006, 'mild'),
  GEG: city('Spokane', 'WA', 47.6588, -117.426, 'cold'),
  PDX: city('Portland', 'OR', 45.5152, -122.6784, 'wet'),
  EUG: city('Eugene', 'OR', 44.0521, -123.0868, 'wet'),
  MFR: city('Medford', 'OR', 42.3265, -122.8756, 'mild'),
  RDD: city('Redding', 'CA', 40.5865, -122.3917, 'hot'),
  SAC: city('Sacramento', 'CA', 38.5816, -121.4944, 'hot'),
  FAT: city('Fresno', 'CA', 36.7378, -119.7871, 'hot'),
  BFL: city('Bakersfield', 'CA', 35.3733, -119.0187, 'hot'),
  LAX: city('Los Angeles', 'CA', 34.0522, -118.2437, 'mild'),
  BAR: city('Barstow', 'CA', 34.8958, -117.0173, 'hot'),
  LAS: city('Las Vegas', 'NV', 36.1699, -115.1398, 'hot'),
  RNO: city('Reno', 'NV', 39.5296, -119.8138, 'mild'),
  EKO: city('Elko', 'NV', 40.8324, -115.7631, 'cold'),
  PHX: city('Phoenix', 'AZ', 33.4484, -112.074, 'hot'),
  FLG: city('Flagstaff', 'AZ', 35.1983, -111.6513, 'cold'),
  BOI: city('Boise', 'ID', 43.615, -116.2023, 'mild'),
  MSO: city('Missoula', 'MT', 46.8721, -113.994, 'cold'),
  BIL: city('Billings', 'MT', 45.7833, -108.5007, 'cold'),
  SLC: city('Salt Lake City', 'UT', 40.7608, -111.891, 'mild'),
  RKS: city('Rock Springs', 'WY', 41.5875, -109.2029, 'cold'),
  CHY: city('Cheyenne', 'WY', 41.14, -104.8202, 'cold'),
  DEN: city('Denver', 'CO', 39.7392, -104.9903, 'mild'),
  GJT: city('Grand Junction', 'CO', 39.0639, -108.5506, 'mild'),
  ABQ: city('Albuquerque', 'NM', 35.0844, -106.6504, 'hot'),
  ELP: city('El Paso', 'TX', 31.7619, -106.485, 'hot'),
  AMA: city('Amarillo', 'TX', 35.222, -101.8313, 'hot'),
  DFW: city('Dallas', 'TX', 32.7767, -96.797, 'hot'),
  SAT: city('San Antonio', 'TX', 29.4241, -98.4936, 'hot'),
  HOU: city('Houston', 'TX', 29.7604, -95.3698, 'hot'),
  OKC: city('Oklahoma City', 'OK', 35.4676, -97.5164, 'hot'),
  ICT: city('Wichita', 'KS', 37.6872, -97.3301, 'mild'),
  SLN: city('Salina', 'KS', 38.8403, -97.6114, 'mild'),
  MCI: city('Kansas City', 'MO', 39.0997, -94.5786, 'mild'),
  STL: city('St. Louis', 'MO', 38.627, -90.1994, 'mild'),
  OMA: city('Omaha', 'NE', 41.2565, -95.9345, 'cold'),
  LBF: city('North Platte', 'NE', 41.124, -100.7654, 'cold'),
  RAP: city('Rapid City', 'SD', 44.0805, -103.231, 'cold'),
  FSD: city('Sioux Falls', 'SD', 43.5446, -96.7311, 'cold'),
  FAR: city('Fargo', 'ND', 46.8772, -96.7898, 'cold'),
  BIS: city('Bismarck', 'ND', 46.8083, -100.7837, 'cold'),
  MSP: city('Minneapolis', 'MN', 44.9778, -93.265, 'cold'),
  DSM: city('Des Moines', 'IA', 41.5868, -93.625, 'cold'),
  CHI: city('Chicago', 'IL', 41.8781, -87.6298, 'cold'),
  IND: city('Indianapolis', 'IN', 39.7684, -86.1581, 'mild'),
  LIT: city('Little Rock', 'AR', 34.7465, -92.2896, 'hot'),
  MEM: city('Memphis', 'TN', 35.1495, -90.049, 'hot'),
  BNA: city('Nashville', 'TN', 36.1627, -86.7816, 'mild'),
  TYS: city('Knoxville', 'TN', 35.9606, -83.9207, 'mild'),
  SDF: city('Louisville', 'KY', 38.2527, -85.7585, 'mild'),
  CMH: city('Columbus', 'OH', 39.9612, -82.9988, 'mild'),
  CLE: city('Cleveland', 'OH', 41.4993, -81.6944, 'cold'),
  PIT: city('Pittsburgh', 'PA', 40.4406, -79.9959, 'cold'),
  MDT: city('Harrisburg', 'PA', 40.2732, -76.8867, 'mild'),
  HGR: city('Hagerstown', 'MD', 39.6418, -77.72, 'mild'),
  CRW: city('Charleston', 'WV', 38.3498, -81.6326, 'mild'),
  ROA: city('Roanoke', 'VA', 37.271, -79.9414, 'mild'),
  RIC: city('Richmond', 'VA', 37.5407, -77.436, 'mild'),
  GSO: city('Greensboro', 'NC', 36.0726, -79.792, 'mild'),
  CLT: city('Charlotte', 'NC', 35.2271, -80.8431, 'mild'),
  AVL: city('Asheville', 'NC', 35.5951, -82.5515, 'mild'),
  CAE: city('Columbia', 'SC', 34.0007, -81.0348, 'hot'),
  ATL: city('Atlanta', 'GA', 33.749, -84.388, 'hot'),
  SAV: city('Savannah', 'GA', 32.0809, -81.0912, 'hot'),
  JAX: city('Jacksonville', 'FL', 30.3322, -81.6557, 'hot'),
  BHM: city('Birmingham', 'AL', 33.5186, -86.8104, 'hot'),
} as const satisfies Record<string, City>;

export type CityKey = keyof typeof cities;

/** Neighbours joined by an interstate or a main US highway; every road is used in both directions. */
// prettier-ignore
export const roads: readonly (readonly [CityKey, CityKey])[] = [
  ['SEA', 'PDX'], ['SEA', 'YKM'], ['YKM', 'PSC'], ['SEA', 'GEG'], ['PSC', 'GEG'], ['PDX', 'PSC'], ['PDX', 'EUG'],
  ['EUG', 'MFR'], ['MFR', 'RDD'], ['RDD', 'SAC'], ['SAC', 'FAT'], ['FAT', 'BFL'], ['BFL', 'LAX'], ['BFL', 'BAR'],
  ['LAX', 'BAR'], ['LAX', 'PHX'], ['BAR', 'LAS'], ['BAR', 'FLG'], ['SAC', 'RNO'], ['RNO', 'EKO'], ['EKO', 'SLC'],
  ['LAS', 'SLC'], ['PHX', 'FLG'], ['PHX', 'ELP'], ['FLG', 'ABQ'], ['PSC', 'BOI'], ['BOI', 'SLC'], ['GEG', 'MSO'],
  ['MSO', 'BIL'], ['BIL', 'RAP'], ['BIL', 'BIS'], ['SLC', 'RKS'], ['SLC', 'GJT'], ['RKS', 'CHY'], ['CHY', 'DEN'],
  ['CHY', 'LBF'], ['CHY', 'RAP'], ['DEN', 'GJT'], ['DEN', 'LBF'], ['DEN', 'SLN'], ['DEN', 'ABQ'], ['ABQ', 'ELP'],
  ['ABQ', 'AMA'], ['ELP', 'SAT'], ['AMA', 'OKC'], ['AMA', 'DFW'], ['OKC', 'DFW'], ['DFW', 'SAT'], ['DFW', 'HOU'],
  ['SAT', 'HOU'], ['DFW', 'LIT'], ['OKC', 'ICT'], ['OKC', 'LIT'], ['OKC', 'STL'], ['ICT', 'SLN'], ['ICT', 'MCI'],
  ['SLN', 'MCI'], ['MCI', 'OMA'], ['MCI', 'DSM'], ['MCI', 'STL'], ['LBF', 'OMA'], ['OMA', 'DSM'], ['OMA', 'FSD'],
  ['RAP', 'FSD'], ['FSD', 'FAR'], ['FSD', 'MSP'], ['FAR', 'BIS'], ['FAR', 'MSP'], ['MSP', 'DSM'], ['MSP', 'CHI'],
  ['DSM', 'CHI'], ['STL', 'CHI'], ['STL', 'IND'], ['STL', 'MEM'], ['STL', 'SDF'], ['CHI', 'IND'], ['CHI', 'CLE'],
  ['IND', 'SDF'], ['IND', 'CMH'], ['LIT', 'MEM'], ['MEM', 'BNA'], ['MEM', 'BHM'], ['BNA', 'SDF'], ['BNA', 'TYS'],
  ['BNA', 'BHM'], ['BNA', 'ATL'], ['SDF', 'CRW'], ['CMH', 'CLE'], ['CMH', 'PIT'], ['CMH', 'CRW'], ['CLE', 'PIT'],
  ['PIT', 'MDT'], ['PIT', 'HGR'], ['MDT', 'HGR'], ['HGR', 'ROA'], ['HGR', 'RIC'], ['CRW', 'ROA'], ['CRW', 'CLT'],
  ['ROA', 'GSO'], ['ROA', 'TYS'], ['ROA', 'RIC'], ['RIC', 'GSO'], ['GSO', 'CLT'], ['CLT', 'AVL'], ['CLT', 'ATL'],
  ['CLT', 'CAE'], ['AVL', 'TYS'], ['AVL', 'CAE'], ['TYS', 'ATL'], ['CAE', 'SAV'], ['ATL', 'SAV'], ['ATL', 'BHM'],
  ['SAV', 'JAX'],
];
