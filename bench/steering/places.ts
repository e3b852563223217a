/**
 * Where the regions and the clients of the simulated worlds are: real cities, rounded positions,
 * and people in rough proportion.
 */
import type { Position } from '../../src/core/geo/distance.ts'

export interface City extends Position {
  readonly name: string
  readonly country: string
  /** Millions of people that connect from around it. */
  readonly people: number
}

const city = (
  name: string,
  country: string,
  latitude: number,
  longitude: number,
  people: number,
): City => ({ name, country, latitude, longitude, people })

export const cities: readonly City[] = [
  city('new-york', 'US', 40.7, -74, 60),
  city('chicago', 'US', 41.9, -87.6, 45),
  city('dallas', 'US', 32.8, -96.8, 45),
  city('los-angeles', 'US', 34.1, -118.2, 50),
  city('seattle', 'US', 47.6, -122.3, 20),
  city('miami', 'US', 25.8, -80.2, 25),
  city('toronto', 'CA', 43.7, -79.4, 18),
  city('vancouver', 'CA', 49.3, -123.1, 7),
  city('mexico-city', 'MX', 19.4, -99.1, 60),
  city('bogota', 'CO', 4.7, -74.1, 25),
  city('lima', 'PE', -12, -77, 18),
  city('sao-paulo', 'BR', -23.6, -46.6, 70),
  city('recife', 'BR', -8, -34.9, 30),
  city('buenos-aires', 'AR', -34.6, -58.4, 30),
  city('santiago', 'CL', -33.4, -70.7, 14),
  city('london', 'GB', 51.5, -0.1, 50),
  city('manchester', 'GB', 53.5, -2.2, 14),
  city('paris', 'FR', 48.9, 2.4, 40),
  city('marseille', 'FR', 43.3, 5.4, 18),
  city('frankfurt', 'DE', 50.1, 8.7, 35),
  city('berlin', 'DE', 52.5, 13.4, 25),
  city('amsterdam', 'NL', 52.4, 4.9, 15),
  city('madrid', 'ES', 40.4, -3.7, 35),
  city('milan', 'IT', 45.5, 9.2, 30),
  city('rome', 'IT', 41.9, 12.5, 20),
  city('stockholm', 'SE', 59.3, 18.1, 9),
  city('warsaw', 'PL', 52.2, 21, 28),
  city('kyiv', 'UA', 50.5, 30.5, 22),
  city('istanbul', 'TR', 41, 29, 50),
  city('cairo', 'EG', 30, 31.2, 45),
  city('lagos', 'NG', 6.5, 3.4, 50),
  city('nairobi', 'KE', -1.3, 36.8, 15),
  city('johannesburg', 'ZA', -26.2, 28, 25),
  city('dubai', 'AE', 25.2, 55.3, 9),
  city('riyadh', 'SA', 24.7, 46.7, 25),
  city('karachi', 'PK', 24.9, 67, 40),
  city('mumbai', 'IN', 19.1, 72.9, 120),
  city('delhi', 'IN', 28.6, 77.2, 120),
  city('chennai', 'IN', 13.1, 80.3, 70),
  city('dhaka', 'BD', 23.8, 90.4, 35),
  city('bangkok', 'TH', 13.8, 100.5, 40),
  city('singapore', 'SG', 1.4, 103.8, 6),
  city('jakarta', 'ID', -6.2, 106.8, 80),
  city('manila', 'PH', 14.6, 121, 50),
  city('hanoi', 'VN', 21, 105.8, 45),
  city('hong-kong', 'HK', 22.3, 114.2, 7),
  city('taipei', 'TW', 25, 121.5, 20),
  city('seoul', 'KR', 37.6, 127, 45),
  city('tokyo', 'JP', 35.7, 139.7, 70),
  city('osaka', 'JP', 34.7, 135.5, 35),
  city('sydney', 'AU', -33.9, 151.2, 13),
  city('perth', 'AU', -32, 115.9, 5),
  city('auckland', 'NZ', -36.8, 174.8, 4),
]

const hosts = [
  ...['new-york', 'chicago', 'dallas', 'los-angeles', 'seattle', 'miami', 'toronto'],
  ...['sao-paulo', 'london', 'frankfurt', 'paris', 'stockholm', 'milan', 'johannesburg'],
  ...['dubai', 'mumbai', 'singapore', 'tokyo', 'seoul', 'sydney'],
]

/** Twenty regions, each in a city. */
export const regionCities: readonly City[] = hosts.map(
  (host) => cities.find(({ name }) => name === host)!,
)

/** Where detours lead through. */
export const hubs: readonly City[] = [
  'miami',
  'frankfurt',
  'london',
  'singapore',
  'los-angeles',
].map((host) => cities.find(({ name }) => name === host)!)

/** Hours that local time is ahead of the simulated clock, by longitude. */
export const solarHours = ({ longitude }: Position): number => longitude / 15
