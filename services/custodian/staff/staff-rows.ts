import { createHmac } from 'node:crypto'
import { equalsInConstantTime, lengthPrefixed, type Secret, type StaffId } from '@ngome/kernel'
import type { Reading, Row, Transaction } from '../store/store.ts'

/** A person who may approve. */
export type Staff = {
  readonly id: StaffId
  readonly name: string
  /** Ed25519, as text (`publicKeyText`). */
  readonly publicKey: string
  /** Who approved the admission; nobody where it was the first person. */
  readonly admittedBy: readonly StaffId[]
  readonly admittedAtMs: number
  readonly retiredAtMs: number | null
}

/** Keeps a person. @returns whether the key was new */
export async function insertStaff(
  transaction: Transaction, tagKey: Secret<Uint8Array>, staff: Omit<Staff, 'retiredAtMs'>,
): Promise<boolean> {
  const changes = await transaction.run(
    `INSERT INTO staff (id, name, public_key, admitted_by, admitted_at_ms, tag) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
    staff.id, staff.name, staff.publicKey, staff.admittedBy.join(' '), staff.admittedAtMs,
    tagOf(tagKey, { ...staff, retiredAtMs: null }),
  )
  return changes === 1
}

/** @returns the person, or `undefined` where there is none, or the row is not one that this custodian wrote */
export async function findStaff(
  store: Reading, tagKey: Secret<Uint8Array>, id: StaffId,
): Promise<Staff | undefined> {
  const row = await store.get('SELECT * FROM staff WHERE id = ?', id)
  return row === undefined ? undefined : provenStaff(tagKey, row)
}

/** Everybody who was ever admitted, the first at first; rows that this custodian did not write are left out. */
export async function listStaff(store: Reading, tagKey: Secret<Uint8Array>): Promise<readonly Staff[]> {
  const rows = await store.all('SELECT * FROM staff ORDER BY admitted_at_ms, id')
  return rows.map((row) => provenStaff(tagKey, row)).filter((staff) => staff !== undefined)
}

/** Whether there is any row at all, of whoever wrote it: only an empty table is a first run. */
export async function hasStaff(store: Reading): Promise<boolean> {
  return await store.get('SELECT 1 FROM staff LIMIT 1') !== undefined
}

export async function retireStaffRow(
  transaction: Transaction, tagKey: Secret<Uint8Array>, staff: Staff, retiredAtMs: number,
): Promise<void> {
  const tag = tagOf(tagKey, { ...staff, retiredAtMs })
  await transaction.run('UPDATE staff SET retired_at_ms = ?, tag = ? WHERE id = ?', retiredAtMs, tag, staff.id)
}

function provenStaff(tagKey: Secret<Uint8Array>, row: Row): Staff | undefined {
  const admittedBy = String(row['admitted_by'])
  const staff: Staff = {
    id: String(row['id']) as StaffId,
    name: String(row['name']),
    publicKey: String(row['public_key']),
    admittedBy: admittedBy === '' ? [] : admittedBy.split(' ') as StaffId[],
    admittedAtMs: Number(row['admitted_at_ms']),
    retiredAtMs: row['retired_at_ms'] === null ? null : Number(row['retired_at_ms']),
  }
  return equalsInConstantTime(row['tag'] as Uint8Array, tagOf(tagKey, staff)) ? staff : undefined
}

/** Who can write the file but does not hold the root key can neither add a person, nor give one another key. */
function tagOf(tagKey: Secret<Uint8Array>, staff: Staff): Uint8Array {
  const { id, name, publicKey, admittedBy, admittedAtMs, retiredAtMs } = staff
  const row = lengthPrefixed(
    'ngome/staff-row/v1', id, name, publicKey, admittedBy.join(' '), admittedAtMs,
    retiredAtMs === null ? 'admitted' : lengthPrefixed('retired', retiredAtMs),
  )
  return tagKey.expose((key) => createHmac('sha256', key).update(row).digest())
}
