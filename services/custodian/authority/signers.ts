import { createHmac } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { equalsInConstantTime, lengthPrefixed, type Secret, type SignerId } from '@ngome/kernel'

/** A gateway process that may sign data keys: its key, and the time within which it may have made them. */
export type Signer = {
  readonly id: SignerId
  /** Ed25519, as text (`publicKeyText`). */
  readonly publicKey: string
  readonly createdAtMs: number
  readonly untilMs: number
}

/** Keeps a signer. Only inside a work of the commit queue. @returns whether the key was new */
export function insertSigner(db: DatabaseSync, tagKey: Secret<Uint8Array>, signer: Signer): boolean {
  const { changes } = db.prepare(`
    INSERT INTO signers (id, public_key, created_at_ms, until_ms, tag) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
  `).run(signer.id, signer.publicKey, signer.createdAtMs, signer.untilMs, tagOf(tagKey, signer))
  return changes === 1
}

/** @returns the signer, or `undefined` where there is none, or the row is not one that this custodian wrote */
export function findSigner(db: DatabaseSync, tagKey: Secret<Uint8Array>, id: SignerId): Signer | undefined {
  const row = db.prepare('SELECT * FROM signers WHERE id = ?').get(id)
  if (row === undefined) return undefined
  const signer: Signer = {
    id,
    publicKey: String(row['public_key']),
    createdAtMs: Number(row['created_at_ms']),
    untilMs: Number(row['until_ms']),
  }
  return equalsInConstantTime(row['tag'] as Uint8Array, tagOf(tagKey, signer)) ? signer : undefined
}

/** Lets a signer sign for longer, since its process renewed its certificate. */
export function extendSigner(db: DatabaseSync, tagKey: Secret<Uint8Array>, id: SignerId, untilMs: number): void {
  const signer = findSigner(db, tagKey, id)
  if (signer === undefined || signer.untilMs >= untilMs) return
  setUntil(db, tagKey, { ...signer, untilMs })
}

/** Ends a signer: what it makes from now on is not believed. */
export function endSigner(db: DatabaseSync, tagKey: Secret<Uint8Array>, id: SignerId, nowMs: number): void {
  const signer = findSigner(db, tagKey, id)
  if (signer === undefined || signer.untilMs <= nowMs) return
  setUntil(db, tagKey, { ...signer, untilMs: nowMs })
}

function setUntil(db: DatabaseSync, tagKey: Secret<Uint8Array>, signer: Signer): void {
  db.prepare('UPDATE signers SET until_ms = ?, tag = ? WHERE id = ?')
    .run(signer.untilMs, tagOf(tagKey, signer), signer.id)
}

/** Who can write the file but does not hold the root key cannot add a signer of his own. */
function tagOf(tagKey: Secret<Uint8Array>, { id, publicKey, createdAtMs, untilMs }: Signer): Uint8Array {
  const row = lengthPrefixed('ngome/signer-row/v1', id, publicKey, createdAtMs, untilMs)
  return tagKey.expose((key) => createHmac('sha256', key).update(row).digest())
}
