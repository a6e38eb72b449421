import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret, systemClock, systemRandom } from '@ngome/kernel'
import { loadConfig } from '@ngome/runtime'
import { SoftHsm, softHsmIsMissing } from '@ngome/testkit'
import { loadCryptoki } from '../services/custodian/root-keys/pkcs11/load-cryptoki.ts'
import { openTokenRoots } from '../services/custodian/root-keys/pkcs11/token-roots.ts'
import type { KeyLabel, RootKey } from '../services/custodian/root-keys/root-key.ts'
import { CustodianProcess } from '../services/custodian/testing/custodian-process.ts'
import { useHsm } from '../services/custodian/testing/rotation-kinds.ts'
import { openRequest, sealedRecord } from '../services/custodian/testing/sealed-record.ts'
import { median, rateCase, type BenchCase, type BenchReport } from './harness.ts'
import { RawToken } from './hsm/raw-token.ts'

/** Of a merchant key's private half, about. */
const keyBytes = 64
const rounds = 60
const batch = 40
/** Data keys that each custodian opens for the first time, and how many at a time. */
const coldKeys = 800
const coldRounds = 8
const coldAtOnce = 8
const label: KeyLabel = { purpose: 'merchant', name: 'mek_1' }

/** What our root key costs beside the token's own decryption, and what a root in a token costs the custodian. */
export async function bench(): Promise<BenchReport> {
  const missing = softHsmIsMissing()
  if (missing !== false) {
    process.stderr.write(`not run: SoftHSM ${missing}; npm run setup:system installs it\n`)
    return { bench: 'hsm', cases: [], notes: [] }
  }
  return { bench: 'hsm', cases: [...await unwraps(), await coldOpenings()], notes }
}

const notes = [
  'Unwraps: the root key as the custodian has it, beside C_DecryptInit and C_Decrypt of as many bytes with as long a context by the',
  'same AES-256-GCM key, in one process on one token, in turns. Ours decrypts the inner key in the token, in another thread, so that',
  'the custodian goes on meanwhile, and under that the wrapped key; the second line\'s baseline is the token\'s own call in a thread.',
  `Cold openings: ${coldAtOnce} at a time over mutual TLS, each with a data key that nobody has opened before; the baseline is a custodian`,
  'with its root in a file. A merchant key is unwrapped for each, so that a private key is not kept.',
]

async function unwraps(): Promise<BenchCase[]> {
  const hsm = new SoftHsm()
  const folder = mkdtempSync(join(tmpdir(), 'ngome-bench-'))
  process.env['SOFTHSM2_CONF'] = hsm.confPath
  const { custodian: { rootKey } } = loadConfig({ NGOME_CONFIG: '', NGOME_DATA: folder, NGOME_ROOT_KEY: hsm.uri() })
  if (rootKey.kind !== 'pkcs11') throw new TypeError('a root key of another kind')
  let root: RootKey | undefined
  try {
    const { first: ours } = await openTokenRoots({ uri: rootKey.uri, folder, mayCreate: true, random: systemRandom, clock: systemClock })
    root = ours
    const wrapped = await ours.wrap(label, new Secret(systemRandom.bytes(keyBytes)))
    const raw = await RawToken.open(await loadCryptoki(hsm.modulePath), hsm)
    const rates = await inTurns({
      ours: async () => { (await ours.unwrap(label, wrapped)).expose((bytes) => bytes.fill(0)) },
      raw: () => Promise.resolve(raw.decrypt()),
      rawInThread: () => raw.decryptInThread(),
    })
    return [
      rateCase('unwraps', '1/s', rates.ours, rates.raw),
      rateCase('unwraps, beside the token in a thread', '1/s', rates.ours, rates.rawInThread),
    ]
  } finally {
    await root?.close()
    hsm.remove()
    rmSync(folder, { recursive: true })
  }
}

async function inTurns<Name extends string>(sides: Readonly<Record<Name, () => Promise<unknown>>>): Promise<Record<Name, number>> {
  const names = Object.keys(sides) as Name[]
  const perSecond = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>
  for (let round = -5; round < rounds; round++) {
    for (const name of names) {
      const startedAtMs = performance.now()
      for (let count = 0; count < batch; count++) await sides[name]()
      if (round >= 0) perSecond[name].push(batch * 1_000 / (performance.now() - startedAtMs))
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(perSecond[name])])) as Record<Name, number>
}

async function coldOpenings(): Promise<BenchCase> {
  const hsm = new SoftHsm()
  const [inToken, inFile] = [await CustodianProcess.create(), await CustodianProcess.create()]
  try {
    useHsm(inToken, hsm)
    const sides = [await coldSide(inToken), await coldSide(inFile)] as const
    const rates: readonly [number[], number[]] = [[], []]
    for (let round = 0; round < coldRounds; round++) for (const side of [0, 1] as const) rates[side].push(await sides[side]())
    return rateCase('open of a record, data key not cached, root in the token', '1/s', median(rates[0]), median(rates[1]))
  } finally {
    await inToken.remove()
    await inFile.remove()
    hsm.remove()
  }
}

/** @returns opens the next part of a custodian's data keys, and says how many a second that were */
async function coldSide(custodian: CustodianProcess): Promise<() => Promise<number>> {
  await custodian.ready()
  const { client, dataKeys } = await custodian.dispatcherWithDataKeys(coldKeys)
  const bodies = dataKeys.map((dataKey) => openRequest(dataKey.sealed, [sealedRecord(systemClock, dataKey, '')]))
  const perRound = coldKeys / coldRounds
  return async () => {
    const part = bodies.splice(0, perRound)
    const startedAtMs = performance.now()
    await Promise.all(Array.from({ length: coldAtOnce }, async () => {
      for (let body = part.pop(); body !== undefined; body = part.pop()) await client.call('/v1/open', body)
    }))
    return perRound * 1_000 / (performance.now() - startedAtMs)
  }
}
