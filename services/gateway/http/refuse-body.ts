import { Fault } from '@ngome/kernel'

/** @throws Fault `request/invalid` where an operation that takes no body was sent one: whoever sent it means something by it */
export function refuseBody({ bytes }: { readonly bytes: Uint8Array }): void {
  if (bytes.length === 0) return
  throw new Fault('request/invalid', 'a body where none is taken', { fields: [{ pointer: '', detail: 'This operation takes no body.' }] })
}
