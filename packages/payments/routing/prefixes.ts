/** How sure a row is: read in the network's own documentation, or seen in a collection that others keep. */
export type PrefixConfidence = 'documented' | 'seen'

export type PrefixRow = {
  /** E.164, without the plus sign. */
  readonly callingCode: string
  /** The connector whose network has these numbers; `other` where a longer prefix is somebody else's. */
  readonly operator: 'mtn-momo' | 'airtel-money' | 'other'
  /** How the numbers begin behind the calling code. */
  readonly national: readonly string[]
  readonly confidence: PrefixConfidence
  /** Test numbers, which no network of the live world has. */
  readonly isTest?: true
}

/**
 * Which operator was given which numbers. The sandbox's are MTN's own word (MoMo API documentation, "Sandbox"); all else was seen in Google's
 * libphonenumber, resources/carrier/en at f7e3e88c (2026-07-17, Apache-2.0), which regulators' numbering plans and reports of users
 * feed. A number that was ported to another operator keeps its prefix: whoever knows better states the network. An operator who finds a row
 * wrong sets `networks.<name>.prefixes`.
 */
export const prefixRows: readonly PrefixRow[] = [
  { callingCode: '46', operator: 'mtn-momo', national: ['73'], confidence: 'documented', isTest: true },
  { callingCode: '27', operator: 'mtn-momo', national: ['603', '604', '605', '63', '640', '655', '656', '657', 
    '686', '687', '688', '689', '710', '717', '718', '719', '73', '78', '810', '83'], confidence: 'seen' },
  { callingCode: '27', operator: 'other', national: ['636', '637'], confidence: 'seen' },
  { callingCode: '225', operator: 'mtn-momo', national: ['05'], confidence: 'seen' },
  { callingCode: '227', operator: 'airtel-money', national: ['77', '86', '87', '88', '89', '96', '97', '98', 
    '99'], confidence: 'seen' },
  { callingCode: '229', operator: 'mtn-momo', national: ['0142', '0146', '015', '0161', '0162', '0166', '0167', 
    '0169', '0190', '0191', '0196', '0197'], confidence: 'seen' },
  { callingCode: '229', operator: 'other', national: ['0155', '0158'], confidence: 'seen' },
  { callingCode: '233', operator: 'mtn-momo', national: ['24', '25', '53', '54', '55', '59'], confidence: 'seen' },
  { callingCode: '234', operator: 'mtn-momo', national: ['7025', '7026', '703', '704', '706', '707', '803', 
    '806', '810', '813', '814', '816', '903', '906', '913', '916'], confidence: 'seen' },
  { callingCode: '234', operator: 'airtel-money', national: ['701', '708', '802', '808', '812', '901', '902', 
    '904', '907', '911', '912'], confidence: 'seen' },
  { callingCode: '235', operator: 'airtel-money', national: ['6', '8'], confidence: 'seen' },
  { callingCode: '237', operator: 'mtn-momo', national: ['650', '651', '652', '653', '654', '67', '680', '681', 
    '682', '683'], confidence: 'seen' },
  { callingCode: '241', operator: 'airtel-money', national: ['04', '07', '4', '7'], confidence: 'seen' },
  { callingCode: '242', operator: 'mtn-momo', national: ['06'], confidence: 'seen' },
  { callingCode: '242', operator: 'airtel-money', national: ['05'], confidence: 'seen' },
  { callingCode: '243', operator: 'airtel-money', national: ['96', '97', '98', '99'], confidence: 'seen' },
  { callingCode: '248', operator: 'airtel-money', national: ['27', '28'], confidence: 'seen' },
  { callingCode: '250', operator: 'mtn-momo', national: ['78', '79'], confidence: 'seen' },
  { callingCode: '250', operator: 'airtel-money', national: ['72', '73'], confidence: 'seen' },
  { callingCode: '254', operator: 'airtel-money', national: ['10', '73', '75', '761', '762', '78'], confidence: 'seen' },
  { callingCode: '254', operator: 'other', national: ['757', '758', '759'], confidence: 'seen' },
  { callingCode: '255', operator: 'airtel-money', national: ['66', '68', '69', '78'], confidence: 'seen' },
  { callingCode: '256', operator: 'mtn-momo', national: ['724', '737', '76', '77', '78', '790', '791', '792', 
    '793', '794'], confidence: 'seen' },
  { callingCode: '256', operator: 'airtel-money', national: ['70', '730', '731', '74', '75', '795'], confidence: 'seen' },
  { callingCode: '256', operator: 'other', national: ['7240'], confidence: 'seen' },
  { callingCode: '260', operator: 'mtn-momo', national: ['56', '76', '96'], confidence: 'seen' },
  { callingCode: '260', operator: 'airtel-money', national: ['57', '77', '97'], confidence: 'seen' },
  { callingCode: '261', operator: 'airtel-money', national: ['33', '35'], confidence: 'seen' },
  { callingCode: '265', operator: 'airtel-money', national: ['9'], confidence: 'seen' },
  { callingCode: '268', operator: 'mtn-momo', national: ['76', '78'], confidence: 'seen' },
]
