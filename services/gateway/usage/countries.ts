import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import ipaddr from 'ipaddr.js'

/** Lines between two turns of the event loop while the table is read, so that no request waits longer than a millisecond. */
const linesPerTurn = 2_000
/** IPv6 is given out in networks; the first eight bytes of an address say whose it is. */
const networkBytes = 8

type Table<A extends Float64Array | BigUint64Array> = { readonly starts: A; readonly ends: A; readonly codes: Uint16Array }
export type CountrySource = { readonly ipv4: () => Promise<string>; readonly ipv6: () => Promise<string> }

/** Where each address is registered, from a table of the regional registries; about 5 MiB in memory, read on first use. */
export class Countries {
  readonly #source: CountrySource
  readonly #onMissing: (error: unknown) => void
  #loading: Promise<void> | undefined
  #ipv4: Table<Float64Array> | undefined
  #ipv6: Table<BigUint64Array> | undefined

  constructor(onMissing: (error: unknown) => void, source = installedTable) {
    this.#source = source
    this.#onMissing = onMissing
  }

  /** Reads the table once; without it every country is unknown, which is said once. */
  load(): Promise<void> {
    return this.#loading ??= this.#load().catch(this.#onMissing)
  }

  /** The ISO 3166-1 code of an address; `null` of one that is private, not in the table, or none. */
  find(text: string): string | null {
    if (!ipaddr.isValid(text)) return null
    const address = ipaddr.process(text)
    if (address.range() !== 'unicast') return null
    const bytes = Buffer.from(address.toByteArray())
    return address.kind() === 'ipv4' ? lookUp(this.#ipv4, bytes.readUInt32BE(0)) : lookUp(this.#ipv6, bytes.readBigUInt64BE(0))
  }

  async #load(): Promise<void> {
    this.#ipv4 = await parse(await this.#source.ipv4(), (length) => new Float64Array(length), (text) => Number(text))
    this.#ipv6 = await parse(await this.#source.ipv6(), (length) => new BigUint64Array(length), networkOf)
  }
}

const wholeAddress = /^[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7}$/
const endsInZeros = /^[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6}::$/

/** The two forms that the table has are read here, since a gateway starts with over a hundred thousand of them. */
function networkOf(text: string): bigint {
  if (!wholeAddress.test(text) && !endsInZeros.test(text)) {
    return Buffer.from(ipaddr.IPv6.parse(text).toByteArray().slice(0, networkBytes)).readBigUInt64BE(0)
  }
  const groups = text.split(':', networkBytes / 2)
  const half = (first: number): number => group(groups[first]) * 0x1_0000 + group(groups[first + 1])
  return BigInt(half(0)) << 32n | BigInt(half(2))
}

/** What `::` leaves out is nothing, or an empty group. */
function group(text = ''): number {
  return text === '' ? 0 : Number.parseInt(text, 16)
}

const installedTable: CountrySource = {
  ipv4: () => readFile(pathOf('asn-country-ipv4-num.csv'), 'latin1'),
  ipv6: () => readFile(pathOf('asn-country-ipv6.csv'), 'latin1'),
}

function pathOf(file: string): string {
  return fileURLToPath(import.meta.resolve(`@ip-location-db/asn-country/${file}`))
}

const country = /^[A-Z]{2}$/

/** Reads `first,last,code` lines, which are sorted. @throws TypeError where a line is none, or they are not sorted */
async function parse<A extends Float64Array | BigUint64Array>(
  text: string, make: (length: number) => A, valueOf: (text: string) => A[number],
): Promise<Table<A>> {
  const lines = text.trimEnd().split('\n')
  const [starts, ends, codes] = [make(lines.length), make(lines.length), new Uint16Array(lines.length)]
  for (const [at, line] of lines.entries()) {
    const [first = '', last = '', code = ''] = line.trimEnd().split(',')
    if (!country.test(code)) throw new TypeError(`line ${at} of the table of countries has no country`)
    starts[at] = valueOf(first)
    ends[at] = valueOf(last)
    codes[at] = code.charCodeAt(0) << 8 | code.charCodeAt(1)
    if (at > 0 && (starts[at] as number) < (ends[at - 1] as number)) throw new TypeError(`line ${at} of the table of countries is out of order`)
    if (at % linesPerTurn === 0) await new Promise((resolve) => { setImmediate(resolve) })
  }
  return { starts, ends, codes }
}

function lookUp<A extends Float64Array | BigUint64Array>(table: Table<A> | undefined, value: A[number]): string | null {
  if (table === undefined) return null
  let [low, high] = [0, table.starts.length - 1]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((table.starts[middle] as A[number]) <= value) low = middle
    else high = middle - 1
  }
  const [start, end, code] = [table.starts[low], table.ends[low], table.codes[low]]
  if (start === undefined || end === undefined || code === undefined || value < start || value > end) return null
  return String.fromCharCode(code >> 8, code & 0xff)
}
