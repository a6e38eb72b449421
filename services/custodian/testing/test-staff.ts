import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import {
  approvalBytes, canonicalJson, staffAdmissionBytes, type Approval, type ApprovalRequest, type CustodianRequest,
} from '@ngome/contracts'
import type { DataKey } from '@ngome/envelope'
import { newId, systemRandom, toBase64Url, type Clock, type StaffId, type Tenant } from '@ngome/kernel'
import { publicKeyText } from '@ngome/runtime'
import { insertStaff } from '../staff/staff-rows.ts'
import type { SealedRecord } from './sealed-record.ts'
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

export async function twoPeople(test: TestCustodian): Promise<readonly Person[]> {
  return [await newPerson(test), await newPerson(test, 'Okello')]
}

/** What asks to admit the holder of these keys, with his proof. */
export function admission(
  name: string, { privateKey, publicKey }: { readonly privateKey: KeyObject; readonly publicKey: KeyObject },
): { name: string; publicKey: string; proof: string } {
  const text = publicKeyText(publicKey)
  return { name, publicKey: text, proof: toBase64Url(sign(null, staffAdmissionBytes(name, text), privateKey)) }
}

type Reveal = CustodianRequest<'/v1/reveal'>

export function revealRequest(tenant: Tenant, dataKey: DataKey, { context, salt }: SealedRecord): Reveal {
  return { ...tenant, payment: context.recordId, dataKey: toBase64Url(dataKey.sealed), salt }
}

export function approvedReveal({ clock }: TestCustodian, request: Reveal, people: readonly Person[]): Reveal {
  const text = approvalText(clock, { operation: '/v1/reveal', parameters: request as ApprovalRequest['parameters'] })
  return { ...request, approval: signedBy(text, ...people) }
}
