import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { approvalBytes, canonicalJson, type Approval, type ApprovalRequest } from '@ngome/contracts'
import { newId, systemRandom, toBase64Url, type Clock, type StaffId } from '@ngome/kernel'
import { publicKeyText } from '@ngome/runtime'
import { insertStaff } from '../staff/staff-rows.ts'
import type { TestCustodian } from './test-custodian.ts'

/** A person with his key, as his own machine has it. */
export type Person = { readonly id: StaffId; readonly privateKey: KeyObject }

/** Admits a person without asking anybody. */
export async function newPerson(test: TestCustodian, name = 'Amina'): Promise<Person> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const id = newId('staff', { clock: test.clock, random: systemRandom })
  await test.commit((transaction) => insertStaff(transaction, test.custodian.rowTagKey, {
    id, name, publicKey: publicKeyText(publicKey), admittedBy: [], admittedAtMs: test.clock.nowMs(),
  }))
  return { id, privateKey }
}

/** The text of a request, ten minutes before its end. */
export function approvalText(clock: Clock, request: Partial<ApprovalRequest>): string {
  return canonicalJson({
    operation: '/v1/merchants', parameters: {}, reason: 'because a test asks for it',
    nonce: toBase64Url(systemRandom.bytes(16)), expires_at: new Date(clock.nowMs() + 600_000).toISOString(), ...request,
  })
}

export function signedBy(text: string, ...people: readonly Person[]): Approval {
  return {
    request: text,
    signatures: people.map(({ id, privateKey }) => (
      { staff: id, signature: toBase64Url(sign(null, approvalBytes(text), privateKey)) }
    )),
  }
}
