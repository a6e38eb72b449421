import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { newId, Secret, systemClock, systemRandom, type PaymentId } from '@ngome/kernel'
import { addTestMerchant, testAcceptance, testDatabase, type TestDatabase, type TestMerchant } from '@ngome/testkit'
import { acceptPayment } from '@ngome/store'
import { paymentsStuck } from './payments-stuck.ts'

type Row = { payment: string; network: string; ageS: number; reference: string; givenUpAt: string | null; todo: string }

const folder = mkdtempSync(join(tmpdir(), 'ngome-stuck-'))
let database: TestDatabase
let merchant: TestMerchant
before(async () => {
  database = await testDatabase()
  merchant = await addTestMerchant(database)
  mkdirSync(join(folder, 'auditor'))
  const { password } = database.connection('ngome_auditor')
  password.expose((text) => { writeFileSync(join(folder, 'auditor', 'db-password'), text, { mode: 0o600 }) })
})
after(async () => {
  await database.close()
  rmSync(folder, { recursive: true })
})

async function run(isJson: boolean): Promise<readonly [code: number, out: string, err: string]> {
  const [lines, errors]: [string[], string[]] = [[], []]
  const { host, port } = database.admin
  const code = await paymentsStuck.run({
    env: {
      NGOME_DATA: folder, NGOME_CONFIG: '', NGOME_DATABASE__HOST: host, NGOME_DATABASE__PORT: String(port), NGOME_DATABASE__NAME: database.name,
    },
    root: folder, clock: systemClock, random: systemRandom, isTerminal: false, interrupted: new AbortController().signal,
    out: (line) => void lines.push(line), err: (line) => void errors.push(line), askSecret: async () => new Secret(''), onReload: () => undefined,
  }, { operands: {}, options: {}, isJson })
  return [code, lines.join('\n'), errors.join('\n')]
}

/** A payment in doubt as the tables show it; how it comes there is the dispatcher's to test. */
async function inDoubt(ageS: number, change: { readonly network?: string; readonly isGivenUp?: boolean; readonly hasAttempt?: boolean } = {}): Promise<PaymentId> {
  const { network = 'mtn-sandbox', isGivenUp = false, hasAttempt = true } = change
  const acceptance = testAcceptance(merchant)
  await acceptPayment(database.open('ngome_gateway', { poolMax: 1 }), acceptance)
  const { id } = acceptance.payment
  const attempt = newId('attempt', { clock: systemClock, random: systemRandom })
  await database.asAdmin(`SET session_replication_role = replica;
    UPDATE ngome.payments SET status = 'in_doubt', network = '${network}', created_at = now() - interval '${ageS} seconds' WHERE id = '${id}';
    ${hasAttempt ? `INSERT INTO ngome.attempts (id, merchant, world, payment, reference, fence, sendings, state, prepared_at, sent_at, stuck_at)
      VALUES ('${attempt}', '${merchant.tenant.merchant}', '${merchant.tenant.world}', '${id}', '${randomUUID()}', 1, 1, 'sent',
        now() - interval '${ageS} seconds', now() - interval '${ageS} seconds', ${isGivenUp ? 'now()' : 'NULL'})` : ''}`)
  return id
}

async function listed(): Promise<readonly Row[]> {
  return JSON.parse((await run(true))[1]) as readonly Row[]
}

test('where nothing is stuck the list is empty, and all is done', async () => {
  assert.deepEqual(await run(false), [0, '', 'no payment waits longer for its end than its network may take'])
  assert.deepEqual((await run(true)).slice(0, 2), [0, '[]'])
})

test('what is in doubt is stuck past the time of its network, or by the word of a dispatcher, and the oldest is first', async () => {
  const fresh = await inDoubt(5)
  assert.equal((await run(true))[0], 0)
  const given = await inDoubt(60, { isGivenUp: true })
  const old = await inDoubt(3 * 86_400)
  const rows = await listed()
  assert.deepEqual(rows.map(({ payment }) => payment), [old, given])
  assert.ok(!rows.some(({ payment }) => payment === fresh))
  const [first, second] = rows
  assert.ok(first !== undefined && Math.abs(first.ageS - 3 * 86_400) < 60 && first.givenUpAt === null && second?.givenUpAt !== null)
  const [code, out] = await run(false)
  assert.equal(code, 1)
  assert.match(out, new RegExp(`${old} {2}collection {2}mtn-sandbox {2}\\S+ [A-Z]{3} {2}72 h {2}${first.reference}\\n {4}ask the network's support`))
})

test('what to do names the first thing that has to stand', async () => {
  const network = 'mtn-sandbox'
  const [gone, torn] = [await inDoubt(60, { network: 'mtn-gone' }), await inDoubt(4 * 86_400, { hasAttempt: false })]
  const todoOf = async (payment: PaymentId): Promise<string> => (await listed()).find((row) => row.payment === payment)?.todo ?? ''
  assert.match(await todoOf(gone), /not configured any more/)
  assert.match(await todoOf(torn), /keep the database as it is/)
  await database.asAdmin(`INSERT INTO ngome.network_health VALUES ('${network}', 'down', now(), now())`)
  assert.match(await todoOf(torn), /ngome providers check/)
  await database.asAdmin(`INSERT INTO ngome.network_maintenance VALUES ('${network}', now() - interval '1 minute', now() + interval '1 hour', 'x')`)
  assert.match(await todoOf(torn), /closed for maintenance/)
})
