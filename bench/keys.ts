import { createHmac, hash } from 'node:crypto'
import { apiKeyVerifier, newApiKey, readApiKey } from '@ngome/access'
import { newId, Secret, systemClock, systemRandom, type ApiKeyId, type Tenant } from '@ngome/kernel'
import { Authenticator } from '../services/gateway/access/authenticate.ts'
import type { ProvenApiKey } from '../services/gateway/access/prove-api-key.ts'
import { verifiesKey } from '../services/gateway/access/verify-key.ts'
import { fixedPeppers, manualLease, provenRow } from '../services/gateway/testing/proven-keys.ts'
import { interleave, rateCase, timeCase, type BenchCase, type BenchReport } from './harness.ts'
import { revocations } from './keys/revocations.ts'
import { rivalCheck } from './keys/rival.ts'
import { lookUps } from './keys/look-ups.ts'
import { memoryOfKeys } from './keys/memory.ts'
import { pairedT, timeInTurns, type Samples } from './keys/in-random-turns.ts'
import { drawn } from './limits/drawn.ts'

const from = { clock: systemClock, random: systemRandom }
const microsPerSecond = 1e6
/** Rows that a gateway keeps in memory at most. */
const cachedRows = 10_000
const fewRows = 1_000
const samples = 100_000
/** Each of other keys. */
const rounds = 25
/** Above this two ways of working are told apart by their time. */
const tMax = 4.5

const tenant: Tenant = { merchant: newId('merchant', from), world: 'test' }
const pepper = new Secret(systemRandom.bytes(32))
const peppers = fixedPeppers(new Map([[1, pepper]]))

type Known = { readonly text: string; readonly row: ProvenApiKey }

/** The check of API keys: beside raw hashing, with few and many of them, what its time tells, and how fast one ends. */
export async function bench(): Promise<BenchReport> {
  // First, as gateways begin: what the others leave to the collector would stop both of them.
  const revoked = await revocations()
  const known = Array.from({ length: cachedRows }, newKnown)
  return {
    bench: 'keys',
    cases: [
      ...checks(known), ...await rivalCases(known), ...timing(known), await memoryOfKeys(() => newKnown().row),
      ...revoked, ...await lookUps(),
    ],
    notes: [
      'Raw hashing is the bare SHA-256 of the text and HMAC-SHA-256 of 32 bytes by node:crypto; again on a connection it is the SHA-256',
      'alone. In memory are as many rows as a gateway ever keeps, called at random. A key that is not there is one look-up of PostgreSQL and the check of',
      'the custodian\u2019s signature. Timing: the work before the verdict, in random turns, 100,000 samples a way after the slowest tenth of',
      'all is left out, in 25 rounds of other keys; |t| of the rounds\u2019 differences (Student), where 4.5 tells two ways apart. Within one round',
      'two keys differ by nanoseconds even where both are valid, by where they lie in memory; that tells no more than that there is a key of an id.',
      'PostgreSQL has 128 MiB of shared buffers. better-auth verifies with its own adapter in memory.',
    ],
  }
}

function newKnown(): Known {
  const key = newApiKey({ world: 'test', ...from })
  const row = provenRow({
    id: key.id, tenant, verifier: apiKeyVerifier(pepper, { ...key, tenant }), pepperVersion: 1,
    isRevoked: false, isMerchantFrozen: false, isVaultPlaintextAllowed: true,
  })
  return { text: key.text.expose((text) => text), row }
}

function authenticatorOf(known: readonly Known[]): Authenticator {
  const rows = new Map<ApiKeyId, ProvenApiKey>(known.map(({ row }) => [row.id, row]))
  return new Authenticator({
    peppers, lease: manualLease(), clock: systemClock, rows: { cached: (id) => rows.get(id), load: async () => undefined },
  })
}

function checks(known: readonly Known[]): BenchCase[] {
  const [one, few, many] = [authenticatorOf(known.slice(0, 1)), authenticatorOf(known.slice(0, fewRows)), authenticatorOf(known)]
  const headers = known.map(({ text }) => `Bearer ${text}`)
  const [first = ''] = headers
  const text = first.slice('Bearer '.length)
  const frame = Buffer.alloc(130, 7)
  const raw = pepper.expose((bytes) => () => createHmac('sha256', bytes).update(frame).update(hash('sha256', text, 'buffer')).digest())
  const kept = {}
  const next = drawn()
  const rates = interleave({
    first: () => one.authenticate(first, {}),
    firstOfFew: () => few.authenticate(headers[next() % fewRows], {}),
    firstOfMany: () => many.authenticate(headers[next() % headers.length], {}),
    again: () => one.authenticate(first, kept),
    raw,
    rawDigest: () => hash('sha256', text, 'buffer'),
  })
  return [
    rateCase('check, first on a connection, beside raw hashing', '1/s', rates.first, rates.raw),
    rateCase('check, again on it, beside a raw digest', '1/s', rates.again, rates.rawDigest),
    rateCase('check, first on a connection, of 10,000 rows at random, beside raw hashing', '1/s', rates.firstOfMany, rates.raw),
    timeCase('check, of 10,000 rows in memory, beside of 1,000', 'µs', microsPerSecond / rates.firstOfMany, microsPerSecond / rates.firstOfFew),
  ]
}

async function rivalCases(known: readonly Known[]): Promise<BenchCase[]> {
  const [ours, text] = [authenticatorOf(known.slice(0, 1)), `Bearer ${known[0]?.text ?? ''}`]
  const count = 2_000
  const startedAtMs = performance.now()
  for (let at = 0; at < count; at++) await ours.authenticate(text, {})
  const oursMicros = (performance.now() - startedAtMs) * 1_000 / count
  return [timeCase('check, beside better-auth\u2019s API key plugin', 'µs', oursMicros, await rivalCheck())]
}

type Ways = 'valid' | 'unknown' | 'malformed'
type SeededWays = 'early' | 'late'

/** What the time of the work before the verdict tells of a key, whichever it is. */
function timing(known: readonly Known[]): BenchCase[] {
  const rows = new Map<ApiKeyId, ProvenApiKey>(known.map(({ row }) => [row.id, row]))
  const judge = (text: string) => (): boolean => {
    const { key, isKey } = readApiKey(text)
    const row = rows.get(key.id)
    return verifiesKey(key, isKey ? row : undefined, peppers)
  }
  const keys = inRounds<Ways>(() => {
    const { text: right } = known[Math.floor(Math.random() * known.length)] ?? newKnown()
    const { text: unknown } = newKnown()
    const malformed = unknown.slice(0, -1) + (unknown.endsWith('0') ? '1' : '0')
    return { valid: judge(right), unknown: judge(unknown), malformed: judge(malformed) }
  })
  const seeded = inRounds<SeededWays>(() => {
    const [digest, early, late] = comparands()
    return { early: () => equalsUntilItDiffers(digest, early), late: () => equalsUntilItDiffers(digest, late) }
  })
  const tell = (name: string, one: Ways, other: Ways): BenchCase => timeCase(name, '|t|', Math.abs(pairedT(differencesOf(keys, one, other))), tMax)
  return [
    tell('timing, valid and unknown', 'valid', 'unknown'),
    tell('timing, valid and malformed', 'valid', 'malformed'),
    tell('timing, unknown and malformed', 'unknown', 'malformed'),
    rateCase(
      'timing, a comparison that stops at the first difference, as it must be caught', '|t|',
      Math.abs(pairedT(differencesOf(seeded, 'early', 'late'))), tMax,
    ),
  ]
}

/** Rounds of samples in random turns, each of other keys. */
function inRounds<Way extends string>(waysOf: () => Readonly<Record<Way, () => unknown>>): readonly Readonly<Record<Way, Samples>>[] {
  return Array.from({ length: rounds }, () => timeInTurns(waysOf(), { samples: samples / rounds, random: Math.random }))
}

function differencesOf<Way extends string>(found: readonly Readonly<Record<Way, Samples>>[], one: Way, other: Way): readonly number[] {
  return found.map((round) => round[one].mean - round[other].mean)
}

function comparands(): readonly [Uint8Array, Uint8Array, Uint8Array] {
  const right = systemRandom.bytes(32)
  const changed = (at: number): Uint8Array => right.map((byte, index) => index === at ? byte ^ 1 : byte)
  return [right, changed(0), changed(31)]
}

/** What our own comparison must not be. */
function equalsUntilItDiffers(one: Uint8Array, other: Uint8Array): boolean {
  return one.every((byte, at) => byte === other[at])
}
