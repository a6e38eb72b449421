import { retentionClasses } from '@ngome/contracts'
import { newId, Secret, systemClock, systemRandom } from '@ngome/kernel'
import { beginRootRotation, continueRootRotation } from '../services/custodian/key-life/rotate-root.ts'
import type { KeyLabel } from '../services/custodian/root-keys/root-key.ts'
import { softwareRootKey } from '../services/custodian/root-keys/software-root-key.ts'
import { TestCustodian } from '../services/custodian/testing/test-custodian.ts'
import { median, rateCase, type BenchCase, type BenchReport } from './harness.ts'

const from = { clock: systemClock, random: systemRandom }
/** Each has a key of each class for three periods, and an index key. */
const merchants = [50, 500] as const
const rounds = 3
const rootKeyBytes = 32
/** Of a merchant key's private half, about. */
const keyBytes = 64
const bareWraps = 20_000
const label: KeyLabel = { purpose: 'merchant', name: 'mek_1' }

/** Root keys are replaced at the cost of the keys that they wrap: so many a second, few or many. */
export async function bench(): Promise<BenchReport> {
  const bare = await bareRate()
  const custodian = await TestCustodian.open({ clock: systemClock })
  try {
    const cases: BenchCase[] = []
    const operator = await custodian.peer('operator')
    for (const count of merchants) {
      while (custodian.count('tenants') < count) {
        await custodian.call(operator, '/v1/merchants', { merchant: newId('merchant', from), world: 'test' })
      }
      cases.push(await rootRotation(custodian, bare))
    }
    return { bench: 'rotation', cases, notes }
  } finally {
    custodian.remove()
  }
}

const notes = [
  `A merchant has ${retentionClasses.length * 3 + 1} wrapped keys. Rotation of the root: each key is unwrapped, wrapped anew and committed to the disk, 32 in a`,
  'transaction; then a backup is written, opened, its log checked, and each key in it unwrapped under the new root alone.',
  'The baseline unwraps and wraps a key in this process and keeps nothing. No record is touched: `npm run bench -- vault` has the',
  'rotation of one merchant\'s keys, of 1,000 records beside 1,000,000.',
]

async function rootRotation(test: TestCustodian, bare: number): Promise<BenchCase> {
  const keys = test.count('wrapped_keys')
  const perSecond: number[] = []
  for (let round = 0; round < rounds; round++) {
    const startedAtMs = performance.now()
    await beginRootRotation(test.custodian, { caller: 'bench', cause: 'demand' })
    await continueRootRotation(test.custodian)
    perSecond.push(keys * 1_000 / (performance.now() - startedAtMs))
  }
  return rateCase(`rotation of the root over ${keys.toLocaleString('en')} keys`, 'keys/s', median(perSecond), bare)
}

async function bareRate(): Promise<number> {
  const root = softwareRootKey(new Secret(systemRandom.bytes(rootKeyBytes)), systemRandom)
  let wrapped = await root.wrap(label, new Secret(systemRandom.bytes(keyBytes)))
  const startedAtMs = performance.now()
  for (let count = 0; count < bareWraps; count++) wrapped = await root.wrap(label, await root.unwrap(label, wrapped))
  return bareWraps * 1_000 / (performance.now() - startedAtMs)
}
