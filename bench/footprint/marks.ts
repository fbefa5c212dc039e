/** Looked at before the saves that count, and after. There are no such files. */
export const BEGIN = '/coatcheck-footprint-begins'
export const END = '/coatcheck-footprint-ends'

export const SAVES = 1_000
export const SESSIONS = 200
