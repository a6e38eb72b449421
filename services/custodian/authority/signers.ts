import { createHmac } from 'node:crypto'
import { equalsInConstantTime, lengthPrefixed, type Secret, type SignerId } from '@ngome/kernel'
import type { Reading, Transaction } from '../store/store.ts'
import { clockSkewMs } from './authority.ts'

/** A gateway process that may sign data keys: its key, and the time within which it may have made them. */
export type Signer = {
  readonly id: SignerId
  /** Ed25519, as text (`publicKeyText`). */
  readonly publicKey: string
  readonly createdAtMs: number
  readonly untilMs: number
  /** Where it was revoked: when, and before which date its data keys are believed all the same. */
  readonly revoked: { readonly atMs: number; readonly trustedBeforeMs: number } | null
}

/** Keeps a signer. @returns whether the key was new */
export async function insertSigner(
  transaction: Transaction, tagKey: Secret<Uint8Array>, signer: Omit<Signer, 'revoked'>,
): Promise<boolean> {
  const changes = await transaction.run(
    `INSERT INTO signers (id, public_key, created_at_ms, until_ms, tag) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    signer.id, signer.publicKey, signer.createdAtMs, signer.untilMs, tagOf(tagKey, { ...signer, revoked: null }),
  )
  return changes === 1
}

/** @returns the signer, or `undefined` where there is none, or the row is not one that this custodian wrote */
export async function findSigner(
  store: Reading, tagKey: Secret<Uint8Array>, id: SignerId,
): Promise<Signer | undefined> {
  const row = await store.get('SELECT * FROM signers WHERE id = ?', id)
  if (row === undefined) return undefined
  const signer: Signer = {
    id,
    publicKey: String(row['public_key']),
    createdAtMs: Number(row['created_at_ms']),
    untilMs: Number(row['until_ms']),
    revoked: row['revoked_at_ms'] === null ? null : {
      atMs: Number(row['revoked_at_ms']), trustedBeforeMs: Number(row['trusted_before_ms']),
    },
  }
  return equalsInConstantTime(row['tag'] as Uint8Array, tagOf(tagKey, signer)) ? signer : undefined
}

/** Lets a signer sign for longer, since its process renewed its certificate. One that has ended stays ended. */
export async function extendSigner(
  transaction: Transaction, tagKey: Secret<Uint8Array>, id: SignerId, { nowMs, untilMs }: {
    readonly nowMs: number
    readonly untilMs: number
  },
): Promise<void> {
  const signer = await findSigner(transaction, tagKey, id)
  if (signer === undefined || signer.untilMs <= nowMs + clockSkewMs || signer.untilMs >= untilMs) return
  await update(transaction, tagKey, { ...signer, untilMs })
}

/** Bounds a signer: what it dates from then on is not believed. */
export async function boundSigner(
  transaction: Transaction, tagKey: Secret<Uint8Array>, id: SignerId, untilMs: number,
): Promise<void> {
  const signer = await findSigner(transaction, tagKey, id)
  if (signer === undefined || signer.untilMs <= untilMs) return
  await update(transaction, tagKey, { ...signer, untilMs })
}

/**
 * Revokes a signer, whose key somebody else may hold and date data keys back with. The first revocation says when; a
 * later one may say anew before which date its data keys are believed.
 */
export async function revokeSigner(
  transaction: Transaction, tagKey: Secret<Uint8Array>, id: SignerId, { nowMs, trustedBeforeMs }: {
    readonly nowMs: number
    readonly trustedBeforeMs: number
  },
): Promise<void> {
  const signer = await findSigner(transaction, tagKey, id)
  if (signer === undefined) return
  const revoked = { atMs: signer.revoked?.atMs ?? nowMs, trustedBeforeMs }
  await update(transaction, tagKey, { ...signer, untilMs: Math.min(signer.untilMs, nowMs), revoked })
}

async function update(transaction: Transaction, tagKey: Secret<Uint8Array>, signer: Signer): Promise<void> {
  await transaction.run(
    'UPDATE signers SET until_ms = ?, revoked_at_ms = ?, trusted_before_ms = ?, tag = ? WHERE id = ?',
    signer.untilMs, signer.revoked?.atMs ?? null, signer.revoked?.trustedBeforeMs ?? null, tagOf(tagKey, signer),
    signer.id,
  )
}

/** Who can write the file but does not hold the root key cannot add a signer of his own. */
function tagOf(tagKey: Secret<Uint8Array>, { id, publicKey, createdAtMs, untilMs, revoked }: Signer): Uint8Array {
  const row = revoked === null
    ? lengthPrefixed('ngome/signer-row/v1', id, publicKey, createdAtMs, untilMs)
    : lengthPrefixed(
      'ngome/revoked-signer-row/v1', id, publicKey, createdAtMs, untilMs, revoked.atMs, revoked.trustedBeforeMs,
    )
  return tagKey.expose((key) => createHmac('sha256', key).update(row).digest())
}
