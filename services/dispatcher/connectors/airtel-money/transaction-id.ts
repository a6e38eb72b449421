/**
 * Our reference as Airtel takes it: letters and digits, 4 to 64. A UUID without its hyphens is one, and no two UUIDs
 * become the same.
 */
export function transactionIdOf(reference: string): string {
  return reference.replaceAll('-', '').toLowerCase()
}
