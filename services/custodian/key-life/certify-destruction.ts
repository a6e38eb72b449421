import { sign } from 'node:crypto'
import {
  canonicalJson, destructionCertificateBytes, type DestructionCertificate, type SignedDestructionCertificate,
} from '@ngome/contracts'
import { toBase64Url } from '@ngome/kernel'
import { publicKeyText } from '@ngome/runtime'
import type { Custodian } from '../custodian.ts'
import { clockSkewMs } from '../authority/authority.ts'
import { appendLog } from '../log/append-log.ts'
import { readFrontier } from '../log/log-nodes.ts'
import { cachedMsMax } from '../openings/data-key-cache.ts'
import type { Reading } from '../store/store.ts'
import { destructionMeaning } from './destruction-meaning.ts'
import type { Destruction } from './destructions.ts'
import { rotationOf } from './rotations.ts'

/**
 * Signs the certificate of a destruction, once the rotation that took the old root away has ended, and, where a twin may
 * have had data keys at hand, these have ended too.
 * @returns whether it was time
 */
export async function certifyDestruction(custodian: Custodian, destruction: Destruction): Promise<boolean> {
  const { clock, hasTwin, store: { commits }, succession } = custodian
  return commits.run(async (transaction) => {
    const row = await transaction.get('SELECT * FROM rotations WHERE id = ?', destruction.rotation)
    if (row?.['state'] !== 'done') return false
    if (hasTwin && clock.nowMs() - (destruction.deletedAtMs ?? Number.NaN) < cachedMsMax + clockSkewMs) return false
    await appendLog(transaction, clock, {
      caller: 'custodian', operation: 'certify-destruction', outcome: 'allowed', reason: '', subject: destruction.id,
    })
    const [formerRoot = '', root = ''] = rotationOf(row).subject.split(' ')
    const signed = signCertificate(custodian, {
      type: 'ngome/certificate-of-destruction/v1',
      destruction: destruction.id,
      ...destruction.tenant,
      scope: destruction.merchantKey === null ? 'all-keys' : 'one-key',
      keys: [...destruction.destroyedKeys],
      approved_by: [...destruction.approvedBy],
      requested_at: dateText(destruction.requestedAtMs),
      deleted_at: dateText(destruction.deletedAtMs),
      root_destroyed_at: dateText(rotationOf(row).endedAtMs),
      former_root: formerRoot,
      root,
      root_is_protected: custodian.root.describe().isProtected,
      ...destructionMeaning(succession.kind, { hasTwin }),
      log: await logPosition(transaction),
      issued_at: dateText(clock.nowMs()),
      custodian_key: publicKeyText(custodian.statementKey.publicKey),
    })
    const sql = `UPDATE destructions SET state = 'done', certificate = ? WHERE id = ?`
    await transaction.run(sql, JSON.stringify(signed), destruction.id)
    return true
  })
}

function signCertificate(
  { statementKey }: Custodian, certificate: DestructionCertificate,
): SignedDestructionCertificate {
  const text = canonicalJson(certificate)
  return { certificate: text, signature: toBase64Url(sign(null, destructionCertificateBytes(text), statementKey.privateKey)) }
}

async function logPosition(store: Reading): Promise<DestructionCertificate['log']> {
  const frontier = await readFrontier(store)
  return { sequence: frontier.size, hash: toBase64Url(frontier.root()) }
}

function dateText(atMs: number | null): string {
  return new Date(atMs ?? Number.NaN).toISOString()
}
