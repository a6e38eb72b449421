import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import type { PaymentDirection } from '@ngome/contracts'
import { Fault, Secret, type Currency, type Money } from '@ngome/kernel'
import { authorityPath, configuredApprovals, processFolder, type Config, type Identity } from '@ngome/runtime'
import { checkLedger, openDatabase, type Database } from '@ngome/store'
import { NotReached, plantCard, plantPayment, type Auditor, type CardNetwork, type PlantedPayment, type ProbeMerchant, type ProbeNetwork, type Target } from '@ngome/verify'
import type { Context } from '../command.ts'
import { findingsOf } from '../ledger-check.ts'
import { localWebhookAddress } from '../operator/local-webhook-address.ts'
import { operatorDatabase, operatorIdentity, type OperatorIdentity } from '../operator/operator-access.ts'
import { attemptAs } from './attempt-as.ts'
import { custodianView } from './custodian-view.ts'
import { keyRecords } from './key-records.ts'
import { openingsLog } from './openings-log.ts'
import { once } from './once.ts'
import { publicTransport } from './public-transport.ts'
import { viewMachine } from './machine-view.ts'
import { ProbeKeys } from './probe-keys.ts'
import { selfTester } from './self-tester.ts'

const auditorConnections = 4
const reachMsMax = 2_000

export type OpenTarget = { readonly target: Target; close(): Promise<void> }

/**
 * Puts together what the probes reach: the public API as anybody, the database as the auditor, the custodian and the
 * self-tests as the operator. Nothing is opened before a probe asks for it, so that what is away hurts only who needs it.
 * @throws Fault `launcher/failed` where no platform has run on this data folder
 */
export function openTarget(config: Config, { clock, random, root }: Pick<Context, 'clock' | 'random' | 'root'>): OpenTarget {
  const authority = readAuthority(config)
  const db = operatorDatabase(config)
  const audit = openAuditor(config)
  const operator = once(async () => {
    await assertReached(config.custodian.host, config.custodian.enrolmentPort)
    return operatorIdentity(config, { clock, random })
  })
  // What only reads is asked with a certificate that can only read.
  const reader = once(async () => {
    await assertReached(config.custodian.host, config.custodian.enrolmentPort)
    return operatorIdentity(config, { clock, random, role: 'auditor' })
  })
  const access = async () => ({ db, custodian: (await operator()).custodian, clock, random })
  const identity = async (): Promise<Identity> => (await operator()).identity
  const keys = new ProbeKeys(access)
  const gateway = { name: 'gateway', host: reachable(config.gateway.host), port: config.gateway.port }
  const collect = (merchant: ProbeMerchant, network: ProbeNetwork, amount: string): Promise<PlantedPayment> =>
    plantPayment({ gateway, authority, network, random }, merchant, amount)
  const pay = async (merchant: ProbeMerchant): Promise<PlantedPayment> => collect(merchant, probeNetwork(config), '1')
  const plant = async (which: 'first' | 'second'): Promise<PlantedPayment> => pay(await keys.merchant(which))
  const planted = { first: once(() => plant('first')), second: once(() => plant('second')) }
  const custodian = { name: 'custodian', host: config.custodian.host, port: config.custodian.port }
  const enrolment = { name: 'custodian enrolment', host: config.custodian.host, port: config.custodian.enrolmentPort }
  const target: Target = {
    gateway,
    authority,
    listeners: [
      gateway, custodian, enrolment,
      { name: 'gateway internal', host: config.gateway.internalHost, port: config.gateway.internalPort },
      { name: 'dispatcher internal', host: config.dispatcher.internalHost, port: config.dispatcher.internalPort },
    ],
    dataFolder: config.dataDir,
    isDatabaseElsewhere: config.database.url !== undefined,
    auditor: audit.auditor,
    custodian: custodianView({ endpoint: custodian, enrolment }, operator),
    keyRecords: keyRecords(reader),
    openingsLog: openingsLog(config, reader),
    ...selfTester(identity, config),
    merchant: (which) => keys.merchant(which),
    limitedMerchant: (limit) => keys.limitedMerchant(limit),
    issueKeys: (count) => keys.issueKeys(count),
    issueKeyToRoll: (rotateAfterS) => keys.issueKeyToRoll(rotateAfterS),
    listedKey: (key) => keys.listedKey(key, config),
    addMerchantKey: (publicKey) => keys.addMerchantKey(publicKey, 'second'),
    addToldMerchantKey: (publicKey) => keys.addMerchantKey(publicKey, 'told'),
    addMerchantSigner: (publicKey) => keys.addMerchantSigner(publicKey),
    browserKey: () => keys.browserKey(),
    rollKey: (key, overlapMs) => keys.rollKey(key, overlapMs),
    revokeKey: (key) => keys.revokeKey(key),
    planted: (which) => planted[which](),
    plantedCard: once(async () => plantCard({ gateway, authority, random, cards: await cardNetwork(config, keys) }, await keys.merchant('first'))),
    pay,
    collect,
    webhookAddress: localWebhookAddress(config),
    checkout: () => {
      const { checkoutOrigin: origin } = config.gateway
      return origin === undefined ? undefined : { origin, network: probeNetwork(config) }
    },
    ledgerFindings: async () => findingsOf(await checkLedger(audit.db)),
    attemptAs: (role, statement) => attemptAs({ operator: db, auditor: audit.db }[role], statement),
    ...payouts(config, keys),
    machine: () => Promise.resolve(viewMachine(config.dataDir)),
    expectedGrants: readExpectedGrants(root),
    random,
    clock,
    publicTransport: publicTransport(config, authority),
  }
  return { target, close: () => close({ keys, identities: [operator, reader], databases: [db, audit.db] }) }
}

type Opened = {
  readonly keys: ProbeKeys
  readonly identities: readonly { readonly begun: () => Promise<OperatorIdentity> | undefined }[]
  readonly databases: readonly Database[]
}

async function close({ keys, identities, databases }: Opened): Promise<void> {
  try {
    await keys.revokeAll()
  } finally {
    for (const { begun } of identities) (await begun()?.catch(() => undefined))?.close()
    await Promise.all(databases.map((database) => database.close()))
  }
}

/** The address of a listener on every interface is none that one connects to. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

function readAuthority(config: Config): string {
  try {
    return readFileSync(authorityPath(config), 'utf8')
  } catch (cause) {
    throw new Fault('launcher/failed', `cannot read ${authorityPath(config)}: start the platform first`, { cause })
  }
}

function openAuditor(config: Config): { auditor: Auditor; db: Database } {
  const { host, port, name, tls } = config.database
  const path = join(processFolder(config, 'auditor'), 'db-password')
  const db = openDatabase({
    host, port, database: name, user: 'ngome_auditor', password: new Secret(readFileSync(path, 'utf8').trim()),
    applicationName: 'ngome-verify', poolMax: auditorConnections,
    ...(tls ? { tlsAuthority: getCACertificates('default').join('\n') } : {}),
  })
  const query: Auditor['query'] = async <Row>(sql: string, parameters: readonly unknown[] = []) => {
    const { rows } = await db.pool.query(sql, [...parameters])
    // What a query of ours selects is what its caller says; the driver knows no types.
    return rows as readonly Row[]
  }
  return { auditor: { query }, db }
}

/** Probes pay in the test world only. @throws NotReached where no network of it is configured */
function probeNetwork(config: Config): ProbeNetwork {
  const found = testNetwork(config, ['collection'])
  if (found === undefined) throw new NotReached('no payment network of the test world with phones is configured')
  return found
}

function payouts(config: Config, keys: ProbeKeys): Pick<Target, 'payoutNetwork' | 'limitedPayouts' | 'addPayoutPeople'> {
  return {
    payoutNetwork: () => testNetwork(config, ['payout']),
    limitedPayouts: () => limitedPayouts(config),
    addPayoutPeople: (decided, first, second) => keys.addPayoutPeople(decided, first, second),
  }
}

function limitedPayouts(config: Config): { readonly network: ProbeNetwork; readonly over: Money } | undefined {
  for (const [currency, amountMinor] of configuredApprovals(config.payouts).over) {
    const network = testNetwork(config, ['collection', 'payout'], currency)
    if (network !== undefined) return { network, over: { amountMinor, currency } }
  }
  return undefined
}

async function cardNetwork(config: Config, keys: ProbeKeys): Promise<CardNetwork | undefined> {
  const found = Object.entries(config.networks).find(([, { world, connector }]) => world === 'test' && connector === 'card-acquirer')
  return found === undefined ? undefined : { name: found[0], currency: found[1].currency, page: `${await keys.pageOrigin()}/` }
}

function testNetwork(config: Config, ways: readonly PaymentDirection[], inCurrency?: Currency): ProbeNetwork | undefined {
  const found = Object.entries(config.networks).find(([, { world, connector, directions, currency }]) => world === 'test'
    && connector !== 'card-acquirer' && ways.every((way) => directions.includes(way)) && (inCurrency === undefined || currency === inCurrency))
  if (found === undefined) return undefined
  const [name, { currency, callingCode, prefixes: [phonePrefix = callingCode] = [] }] = found
  return { name, currency, phonePrefix }
}

function readExpectedGrants(root: string): readonly string[] {
  return readFileSync(join(root, 'packages', 'store', 'grants.expected.txt'), 'utf8').trimEnd().split('\n')
}

/** Enrolling waits for a custodian that is starting; a probe does not. */
function assertReached(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: reachMsMax })
    const end = (problem?: string): void => {
      socket.destroy()
      if (problem === undefined) resolve()
      else reject(new NotReached(`the custodian is not reached at ${host}:${port} (${problem})`))
    }
    socket.once('connect', () => end())
    socket.once('timeout', () => end('no answer'))
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
  })
}
