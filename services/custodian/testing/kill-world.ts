import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CustodianPath, CustodianRequest, CustodianResponse } from '@ngome/contracts'
import { makeDataKey, openRecord, verifyStatement, type DataKey } from '@ngome/envelope'
import { Fault, newId, parseBase64Url, Secret, systemClock, systemRandom, type ProcessRole, type Tenant } from '@ngome/kernel'
import type { CustodianClient, Identity } from '@ngome/runtime'
import type { SeededRandom } from '@ngome/testkit'
import type { CustodianProcess } from './custodian-process.ts'
import { openRequest, sealedRecord, type SealedRecord } from './sealed-record.ts'
import { admission, approvalText, signedBy, type Person } from './test-staff.ts'

type Kept = { readonly dataKey: DataKey; readonly record: SealedRecord; readonly plaintext: string; opened: number }
type Client = { readonly identity: Identity; readonly client: CustodianClient }

/** Merchants besides those that are destroyed: enough keys that a rotation of the root takes several batches. */
const tenantCount = 12
/** Below what one record may be opened (`purposeRules.dispatch`), so that the last look has one left. */
const openingsMax = 10
/** Records that one look opens: the newest, and as many of the older. */
const sampleMax = 24
/** Openings that a look has under way. */
const atOnce = 8
/** Callers wait a moment between two calls: what is under test is the rotation, not the load. */
const pauseMs = 25
const answerMsMax = 20_000
const patienceMs = 60_000

/**
 * A custodian, or a pair, with callers who go on while it is killed: a gateway that fetches merchant keys and seals, and
 * a dispatcher that opens. It keeps all that was acknowledged to them, to hold it against the store.
 */
export class KillWorld {
  readonly custodians: readonly CustodianProcess[]
  readonly random: SeededRandom
  /** What broke a promise, a line each. */
  readonly wrongs: string[] = []
  /** Records whose opening was answered since somebody last asked. */
  answered: string[] = []
  openings = 0
  readonly #clients = new Map<ProcessRole, Client>()
  readonly #signer = generateKeyPairSync('ed25519')
  readonly #tenants: Tenant[] = []
  readonly #kept: Kept[] = []
  #people: readonly [Person, Person] | undefined
  #isOver = false
  #callers: Promise<unknown> = Promise.resolve()

  private constructor(custodians: readonly CustodianProcess[], random: SeededRandom) {
    this.custodians = custodians
    this.random = random
  }

  /** Starts it: merchants, and callers at work. */
  static async start(custodians: readonly CustodianProcess[], random: SeededRandom): Promise<KillWorld> {
    const world = new KillWorld(custodians, random)
    await Promise.all(custodians.map((one) => one.ready()))
    for (const role of ['operator', 'gateway', 'dispatcher'] as const) {
      world.#clients.set(role, await world.custodian.client(role, role === 'gateway' ? world.#signer.publicKey : undefined))
    }
    for (let at = 0; at < tenantCount; at++) world.#tenants.push(await world.newTenant())
    await world.#sealOne()
    world.#callers = Promise.all([
      world.#goOn(async () => world.#sealOne()), world.#goOn(async () => world.#openOne()), world.#goOn(async () => world.#openOne()),
    ])
    return world
  }

  /** The first of them, or the only one. */
  get custodian(): CustodianProcess {
    const [first] = this.custodians
    if (first === undefined) throw new TypeError('a world without a custodian')
    return first
  }

  get tenant(): Tenant {
    return this.random.pick(this.#tenants)
  }

  async newTenant(): Promise<Tenant> {
    const tenant: Tenant = { merchant: newId('merchant', { clock: systemClock, random: systemRandom }), world: 'test' }
    await this.call('operator', '/v1/merchants', tenant)
    return tenant
  }

  async call<P extends CustodianPath>(role: ProcessRole, path: P, body: CustodianRequest<P>): Promise<CustodianResponse<P>> {
    return this.#clientOf(role).client.call(path, body, { timeoutMs: answerMsMax })
  }

  /** Two people's approval of a call of these parameters. */
  async approved<P extends object>(operation: CustodianPath, parameters: P) {
    this.#people ??= await this.#admitPeople()
    const text = approvalText(systemClock, { operation, parameters: parameters as Record<string, never> })
    return { ...parameters, approval: signedBy(text, ...this.#people) }
  }

  async #admitPeople(): Promise<readonly [Person, Person]> {
    const [one, other] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
    const first = await this.call('operator', '/v1/admit-staff', admission('Amina', one))
    const amina = { id: first.staff, privateKey: one.privateKey }
    const asked = admission('Okello', other)
    const text = approvalText(systemClock, { operation: '/v1/admit-staff', parameters: asked })
    const second = await this.call('operator', '/v1/admit-staff', { ...asked, approval: signedBy(text, amina) })
    return [amina, { id: second.staff, privateKey: other.privateKey }]
  }

  /** @returns the id of the latest rotation, once none is under way */
  async latestRotation(): Promise<string | undefined> {
    for (const from = performance.now(); performance.now() - from < patienceMs; await sleep(50)) {
      const { rotations } = await this.call('operator', '/v1/rotations', {})
      if (rotations[0]?.state !== 'running') return rotations[0]?.id
    }
    throw new Error(`a rotation did not end in ${patienceMs / 1000} s: ${this.custodians.map(({ output }) => output).join('\n')}`)
  }

  /** A record of this tenant, sealed by the gateway, that is in nobody's sample. */
  async seal(tenant: Tenant): Promise<Kept> {
    const { identity } = this.#clientOf('gateway')
    const { statements } = await this.call('gateway', '/v1/merchant-keys', { tenants: [tenant] })
    const statement = statements.map((text) => verifyStatement(parseBase64Url(text) ?? new Uint8Array(), identity.statementKey))
      .find(({ retention, notBeforeMs }) => retention === 'payment' && notBeforeMs <= systemClock.nowMs())
    if (statement === undefined || identity.signerId === null) throw new TypeError('no statement for now, or no signer')
    const signer: { id: typeof identity.signerId; privateKey: KeyObject } = { id: identity.signerId, privateKey: this.#signer.privateKey }
    const dataKey = await makeDataKey({ statement, signer, clock: systemClock, random: systemRandom })
    const plaintext = `sealed by ${dataKey.id}`
    return { dataKey, record: sealedRecord(systemClock, dataKey, plaintext), plaintext, opened: 0 }
  }

  /** Opens one record as the dispatcher. @throws Fault as the client does, or where the answer does not open it */
  async open(kept: Kept): Promise<void> {
    const { keys: [key] } = await this.call('dispatcher', '/v1/open', openRequest(kept.dataKey.sealed, [kept.record]))
    this.answered.push(kept.record.context.recordId)
    this.openings++
    const opened = openRecord(new Secret(parseBase64Url(key ?? '') ?? new Uint8Array()), kept.record.blob)
    if (Buffer.from(opened).toString() !== kept.plaintext) this.wrongs.push(`${kept.record.context.recordId} opened to something else`)
  }

  async #sealOne(): Promise<void> {
    this.#kept.push(await this.seal(this.tenant))
  }

  /** A record that nobody opened before, under a data key that may be old. */
  async #openOne(): Promise<void> {
    const { dataKey } = this.random.pick(this.#kept)
    const plaintext = 'opened on its way'
    await this.open({ dataKey, record: sealedRecord(systemClock, dataKey, plaintext), plaintext, opened: 0 })
  }

  /** Opens what was sealed before: the newest and some of the older, or all of it; each must open. */
  async openKept(which: 'some' | 'all'): Promise<void> {
    const newest = this.#kept.slice(-sampleMax)
    const older = Array.from({ length: sampleMax }, () => this.random.pick(this.#kept))
    const chosen = which === 'all' ? this.#kept : [...new Set([...newest, ...older])].filter(({ opened }) => opened < openingsMax)
    for (let at = 0; at < chosen.length; at += atOnce) {
      await Promise.all(chosen.slice(at, at + atOnce).map(async (kept) => {
        kept.opened++
        await this.open(kept).catch((failure: unknown) => (
          this.wrongs.push(`${kept.record.context.recordId} does not open any more: ${String(failure)}`)
        ))
      }))
    }
  }

  /** Calls again and again, with whoever answers; only being away is forgiven. */
  async #goOn(call: () => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      try {
        await call()
      } catch (failure) {
        const isAway = failure instanceof Fault && failure.code === 'custodian/unavailable'
        if (!isAway) this.wrongs.push(`a caller met ${failure instanceof Error ? failure.stack : String(failure)}`)
      }
      await sleep(pauseMs)
    }
  }

  #clientOf(role: ProcessRole): Client {
    const client = this.#clients.get(role)
    if (client === undefined) throw new TypeError(`no ${role} in this world`)
    return client
  }

  /** Sends the callers home. */
  async end(): Promise<void> {
    this.#isOver = true
    await this.#callers
    for (const { client } of this.#clients.values()) client.close()
  }
}
