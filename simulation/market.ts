/** Where an order may go: a network, in its currency, with a number that it takes. */
export type Market = { readonly network: string; readonly currency: string; readonly digits: number; readonly phone: string }
