/** The target environments spoken here, each with its one currency. */
export const environments: ReadonlyMap<string, { readonly currency: string }> = new Map([
  ['sandbox', { currency: 'EUR' }],
  ['mtnuganda', { currency: 'UGX' }],
  ['mtnghana', { currency: 'GHS' }],
  ['mtnivorycoast', { currency: 'XOF' }],
  ['mtnbenin', { currency: 'XOF' }],
  ['mtncameroon', { currency: 'XAF' }],
  ['mtncongo', { currency: 'XAF' }],
  ['mtnzambia', { currency: 'ZMW' }],
  ['mtnrwanda', { currency: 'RWF' }],
  ['mtnguineaconakry', { currency: 'GNF' }],
  ['mtnliberia', { currency: 'LRD' }],
  ['mtnswaziland', { currency: 'SZL' }],
  ['mtnsouthafrica', { currency: 'ZAR' }],
])
