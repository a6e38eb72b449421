import { verify, type KeyObject } from 'node:crypto'
import {
  destructionCertificateBytes, destructionCertificateSchema, signedDestructionCertificateSchema, type DestructionCertificate,
} from '@ngome/contracts'
import { parseBase64Url, systemClock, type Random } from '@ngome/kernel'
import type { Auditor } from '../at-rest/auditor.ts'
import type { CustodianView } from '../custodian/custodian-view.ts'
import { newChallenge, problemOfRefusal } from '../custodian/judge-refusal.ts'
import type { Destructions, KeyInventory, KeyRecords } from '../custodian/key-records.ts'
import { goesOn, isIncluded, openedNote, rowsSince, signedSize, type LogEntry } from '../custodian/log-proof.ts'
import type { OpeningsLog } from '../custodian/openings-log.ts'
import { openRequest, paymentContext } from '../custodian/sealed-payment.ts'
import { paymentsByDataKey } from '../custodian/sealed-under.ts'
import type { SelfTester } from '../custodian/self-test.ts'
import { NotReached, type Probe } from '../probe.ts'
import { fails, holds, partial, unchecked, type Verdict } from '../verdict.ts'

type Target = SelfTester & {
  readonly auditor: Auditor
  readonly custodian: Pick<CustodianView, 'statementKey'>
  readonly keyRecords: Pick<KeyRecords, 'destructions' | 'inventory'>
  readonly openingsLog: Pick<OpeningsLog, 'pull'>
  readonly random: Random
}
type Tried = { readonly problem?: string; readonly reasons: readonly string[] }

/** What is due is begun within a second; past this, nobody does it. */
const lateMs = 3_600_000
/** Records that are tried: an attempt costs the dispatcher some of its refusals of this minute. */
const attemptsMax = 20
const destroyed = 'merchant_key_destroyed'

export const destroyedKeysStayDestroyed: Probe<Target> = {
  id: 'destroyed-keys-stay-destroyed',
  source: import.meta.filename,
  does: 'Checks each certificate of destruction: signed by the custodian, its row and its head of the log proven to be in the log of now, its keys and its root destroyed in the inventory. Then has the dispatcher try to open records that were sealed to destroyed keys; each must be refused, signed over our challenge, with the reason in the custodian\'s log. A destruction that was due and did not happen is a failure. Where nothing was destroyed there is nothing to see.',
  timeMsMax: 60_000,
  run: async (target) => {
    const destructions = await target.keyRecords.destructions()
    const late = destructions.find(({ state, dueAt }) => (state === 'waiting' || state === 'deleted') && Date.parse(dueAt) + lateMs < systemClock.nowMs())
    if (late !== undefined) return fails(`${late.id} was due at ${late.dueAt} and is ${late.state}`)
    const done = destructions.filter(({ state }) => state === 'done')
    if (done.length === 0) return unchecked('no key was destroyed on this installation yet, so there is nothing to try')
    const key = await target.custodian.statementKey()
    const inventory = await target.keyRecords.inventory()
    const certificates: DestructionCertificate[] = []
    for (const destruction of done) {
      const certificate = readCertificate(destruction, key)
      if (typeof certificate === 'string') return fails(`${destruction.id}: ${certificate}`)
      const problem = problemOfLives(certificate, inventory) ?? await problemOfLog(certificate, key, target.openingsLog)
      if (problem !== undefined) return fails(`${destruction.id}: ${problem}`)
      certificates.push(certificate)
    }
    const tried = await tryRecords(target, certificates, key)
    return tried.problem === undefined ? judge(certificates, tried.reasons) : fails(tried.problem)
  },
}

function judge(certificates: readonly DestructionCertificate[], reasons: readonly string[]): Verdict {
  const keys = certificates.reduce((sum, certificate) => sum + certificate.keys.length, 0)
  const seen = `${certificates.length} destructions of ${keys} keys under signed certificates that the log proves`
  const refused = reasons.filter((reason) => reason === destroyed).length
  if (refused === 0) return partial(`missing: a record young enough to be opened, were its key not destroyed; ${seen}; ${reasons.length} older ones refused`)
  const tried = `${seen}; ${reasons.length} records under them refused, ${refused} of them because the key is destroyed`
  // By their own words: a root that lay in a file may have been copied before it was destroyed.
  return certificates.every((certificate) => certificate.root_is_protected) ? holds(tried)
    : partial(`missing: a protected root key, old copies of a root in a file open old backups; ${tried}`)
}

/** @returns the certificate, or what is wrong with it */
function readCertificate(destruction: Destructions[number], key: KeyObject): DestructionCertificate | string {
  const signed = signedDestructionCertificateSchema.safeParse(parse(destruction.certificate ?? ''))
  if (!signed.success) return 'there is no certificate'
  const signature = parseBase64Url(signed.data.signature)
  const bytes = destructionCertificateBytes(signed.data.certificate)
  if (signature === undefined || !verify(null, bytes, key, signature)) return 'the certificate is not signed by the custodian'
  const certificate = destructionCertificateSchema.safeParse(parse(signed.data.certificate))
  if (!certificate.success) return 'the certificate is not what certificates are'
  const { destruction: id, merchant, world } = certificate.data
  const isOfThis = id === destruction.id && merchant === destruction.merchant && world === destruction.world
  return isOfThis ? certificate.data : 'the certificate is of another destruction'
}

function problemOfLives(certificate: DestructionCertificate, { keys, root }: KeyInventory): string | undefined {
  const isDestroyed = (name: string): boolean => keys.some((key) => `${key.purpose}/${key.name}` === name && key.state === 'destroyed')
  const living = [...certificate.keys, `root/${certificate.former_root}`].find((name) => !isDestroyed(name))
  if (living !== undefined) return `${living} is not destroyed in the inventory`
  return root.id === certificate.former_root ? 'the root key that was destroyed is in use' : undefined
}

/** The certificate names the log's head when it was signed: the log of now must go on from it, with the row that says so. */
async function problemOfLog(
  { destruction, log }: DestructionCertificate, key: KeyObject, { pull }: Pick<OpeningsLog, 'pull'>,
): Promise<string | undefined> {
  const answer = await pull({ after: log.sequence - 1, prove: { since: log.sequence, sequence: log.sequence } })
  const now = openedNote(answer.proof?.checkpoint, key)
  const root = parseBase64Url(log.hash)
  if (now === undefined || root === undefined) return 'the custodian gives no checkpoint that it has signed'
  if (!goesOn({ size: log.sequence, root }, now, answer)) return `the log does not go on from the ${log.sequence} rows that the certificate names`
  const [row] = answer.entries
  const isOurs = row?.sequence === log.sequence && row.operation === 'certify-destruction' && row.subject === destruction
  return isOurs && isIncluded(row, now, answer) ? undefined : `row ${log.sequence} of the log does not tell of it`
}

async function tryRecords(target: Target, certificates: readonly DestructionCertificate[], statementKey: KeyObject): Promise<Tried> {
  const gone = new Set(certificates.flatMap(({ keys }) => keys))
  const tenants = new Map(certificates.map(({ merchant, world }) => [`${merchant}/${world}`, { merchant, world }]))
  const rows = (await Promise.all([...tenants.values()].map((tenant) => paymentsByDataKey(target.auditor, tenant)))).flat()
  const before = await signedSize(target.openingsLog, statementKey)
  if (before === undefined) return { problem: 'the custodian gives no checkpoint that it has signed', reasons: [] }
  const tried = rows.filter(({ merchantKeyId }) => gone.has(`merchant/${merchantKeyId}`)).slice(0, attemptsMax)
  for (const row of tried) {
    const challenge = newChallenge(target.random)
    const opening = openRequest(row.sealedDataKey, paymentContext(row.tenant, row.id, row.blob), row.blob)
    const attempt = await target.selfTest('dispatcher', 'open', { challenge, opening })
    const problem = problemOfRefusal(attempt, { challenge, caller: 'dispatcher', reasons: ['record_refused'], statementKey })
    if (problem !== undefined) return { problem: `${row.id}, sealed to the destroyed ${row.merchantKeyId}: ${problem}`, reasons: [] }
  }
  const refusals = tried.length === 0 ? [] : await refusalsSince(target.openingsLog, before)
  const reasons = tried.map(({ id, merchantKeyId, dataKeyId }) =>
    refusals.find(({ subject }) => subject === merchantKeyId || (subject.includes(id) && subject.includes(dataKeyId)))?.reason)
  const unrecorded = reasons.indexOf(undefined)
  if (unrecorded >= 0) return { problem: `the attempt to open ${tried[unrecorded]?.id} is not in the log`, reasons: [] }
  return { reasons: reasons.filter((reason) => reason !== undefined) }
}

async function refusalsSince(log: Pick<OpeningsLog, 'pull'>, size: number): Promise<readonly LogEntry[]> {
  const rows = await rowsSince(log, size)
  // Past so many in a minute the custodian says only that there were more.
  if (rows.some(({ reason }) => reason === 'refusals_unrecorded')) throw new NotReached('too much is refused at the moment to see our own attempts')
  return rows.filter(({ caller, operation, outcome }) => outcome === 'refused' && operation === '/v1/open' && caller.startsWith('dispatcher/'))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
