/** Where sessions come from, or go to. */
export type Address =
  | { readonly kind: 'files'; readonly directory: string }
  | { readonly kind: 'redis'; readonly url: string; readonly cluster: boolean }

const WHAT = 'files:DIRECTORY, redis:URL or cluster:URL'

/**
 * Reads one: `files:./sessions`, `redis:redis://127.0.0.1:6379` or that URL alone, `cluster:rediss://10.0.0.1:6379`.
 * @throws {TypeError} that shows nothing of it: a password may be in it
 */
export function addressIn(option: string, text: string): Address {
  const [, kind, rest = ''] = /^(files|redis|rediss|cluster):(.+)$/s.exec(text) ?? []
  if (kind === 'files') return { kind, directory: rest }
  const url = rest.startsWith('//') ? text : rest
  const isUrl = url.startsWith('redis://') || url.startsWith('rediss://')
  if (kind === undefined || !isUrl || (kind === 'cluster' && url === text))
    throw new TypeError(`${option} is no address; expected ${WHAT}`)
  return { kind: 'redis', url, cluster: kind === 'cluster' }
}
