import type { CustodianResponse } from '@ngome/contracts'
import { z } from 'zod'
import type { ParsedRequest } from '../calls/parsed-request.ts'
import type { Custodian } from '../custodian.ts'

/** Approvals of a page: a request is a kilobyte or two. */
const approvalsPerPage = 100

const signaturesSchema = z.array(z.object({ staff: z.string(), signature: z.string() }))

/** Every approval that was used, whole, the oldest first: whoever has the people's public keys can check it again. */
export async function listApprovals(
  { store }: Custodian, { after }: ParsedRequest<'/v1/approvals'>,
): Promise<CustodianResponse<'/v1/approvals'>> {
  const rows = await store.all(
    'SELECT * FROM approvals WHERE (used_at_ms, nonce) > (?, ?) ORDER BY used_at_ms, nonce LIMIT ?',
    after === null ? 0 : Date.parse(after.usedAt), after?.nonce ?? '', approvalsPerPage,
  )
  return {
    approvals: rows.map((row) => ({
      nonce: String(row['nonce']),
      usedAt: new Date(Number(row['used_at_ms'])).toISOString(),
      request: String(row['request']),
      signatures: signaturesSchema.parse(JSON.parse(String(row['signatures']))),
    })),
  }
}
