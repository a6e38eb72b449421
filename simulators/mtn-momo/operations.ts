/** MTN's products, each with its own subscription, API users and tokens. */
export const products = ['collection', 'disbursement'] as const
export type Product = (typeof products)[number]

export const operationNames = ['requesttopay', 'transfer', 'deposit', 'refund'] as const
export type OperationName = (typeof operationNames)[number]

/** What each product can be asked to do, and in which versions; the state is always asked for at v1_0. */
export const operations: Readonly<Record<OperationName, { readonly product: Product; readonly versions: readonly string[] }>> = {
  requesttopay: { product: 'collection', versions: ['v1_0'] },
  transfer: { product: 'disbursement', versions: ['v1_0'] },
  deposit: { product: 'disbursement', versions: ['v1_0', 'v2_0'] },
  refund: { product: 'disbursement', versions: ['v1_0', 'v2_0'] },
}
