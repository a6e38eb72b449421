import type { Authorization } from '@ngome/contracts'
import { Fault } from '@ngome/kernel'
import type { VerifiedSignature } from '../http/call.ts'

/**
 * The merchant's own word for what goes out, as it is sealed: the very bytes whose signature was checked, so that who opens the record
 * proves them again without believing us.
 * @throws Fault `access/signature_required`: the policy table demands one of these operations
 */
export function authorizationOf({ bytes, signature }: { readonly bytes: Uint8Array; readonly signature: VerifiedSignature | undefined }): Authorization {
  if (signature === undefined) throw new Fault('access/signature_required', 'nothing goes out without a signature')
  const { keyId, proof } = signature
  return {
    key: keyId,
    // A base is of latin-1 (RFC 9421 §2.5 has it in ASCII): the same bytes come of it again.
    base: Buffer.from(proof.base).toString('latin1'),
    signature: Buffer.from(proof.signature).toString('base64'),
    // It was parsed as UTF-8, strictly.
    body: Buffer.from(bytes).toString('utf8'),
  }
}
