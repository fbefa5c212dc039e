import { booleanOption, checkNames, choiceOption, refuse } from '../../option-checks.js'

/** Options of the cookie that names the session; each is that attribute of `Set-Cookie`. */
export interface SessionCookieOptions {
  /** Default `'sessionid'`, as in Django. */
  name?: string
  /** Default none: the host that answers, and no other. */
  domain?: string
  /** Default `'/'`. */
  path?: string
  /**
   * Whether the client is to send it over TLS only. `'auto'`: where the request came so, which behind a proxy takes
   * Express and its `trust proxy`. Default false.
   */
  secure?: boolean | 'auto'
  /** Whether scripts are not to see it. Default true. */
  httpOnly?: boolean
  /** Default `'lax'`; false leaves it to the browser. */
  sameSite?: 'lax' | 'strict' | 'none' | false
  /** Whether each site that embeds this one has a cookie of its own. Default false. */
  partitioned?: boolean
}

/** The same with every default filled in. */
export interface FilledCookieOptions {
  readonly name: string
  readonly domain: string | undefined
  readonly path: string
  readonly secure: boolean | 'auto'
  readonly httpOnly: boolean
  readonly sameSite: 'lax' | 'strict' | 'none' | false
  readonly partitioned: boolean
}

const NAMES = ['name', 'domain', 'path', 'secure', 'httpOnly', 'sameSite', 'partitioned']
/** What RFC 9110 calls a token. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/
const DOMAIN = /^\.?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i
/** Anything printable but the semicolon that would end it. */
const PATH = /^\/[\x20-\x3a\x3c-\x7e]*$/

/**
 * Checks options and fills in defaults. What browsers would silently refuse is refused here: a session that never comes
 * back is hard to explain.
 * @throws {TypeError} naming the option, its value and what was expected
 */
export function fillCookieOptions(options: SessionCookieOptions = {}): FilledCookieOptions {
  checkNames('cookie', options, NAMES)
  const filled: FilledCookieOptions = {
    name:
      textOption('cookie.name', options.name, TOKEN, 'the name of a cookie, such as sessionid') ??
      'sessionid',
    domain: textOption('cookie.domain', options.domain, DOMAIN, 'a domain such as example.org'),
    path: textOption('cookie.path', options.path, PATH, 'a path that begins with /') ?? '/',
    secure: choiceOption<boolean | 'auto'>('cookie.secure', options.secure, false, [true, false, 'auto']),
    httpOnly: booleanOption('cookie.httpOnly', options.httpOnly, true),
    sameSite: choiceOption<'lax' | 'strict' | 'none' | false>('cookie.sameSite', options.sameSite, 'lax', [
      'lax',
      'strict',
      'none',
      false,
    ]),
    partitioned: booleanOption('cookie.partitioned', options.partitioned, false),
  }
  checkCombinations(filled)
  return filled
}

function checkCombinations({ name, domain, path, secure, sameSite, partitioned }: FilledCookieOptions): void {
  if (secure !== true) {
    const because =
      sameSite === 'none'
        ? "cookie.sameSite is 'none'"
        : partitioned
          ? 'cookie.partitioned is true'
          : /^__(Secure|Host)-/i.test(name)
            ? `cookie.name is '${name}'`
            : undefined
    if (because !== undefined) refuse('cookie.secure', secure, `true, since ${because}`)
  }
  if (!/^__Host-/i.test(name)) return
  if (domain !== undefined) refuse('cookie.domain', domain, `to be absent, since cookie.name is '${name}'`)
  if (path !== '/') refuse('cookie.path', path, `'/', since cookie.name is '${name}'`)
}

function textOption(
  option: string,
  value: string | undefined,
  pattern: RegExp,
  expected: string,
): string | undefined {
  if (value === undefined) return undefined
  return typeof value === 'string' && pattern.test(value) ? value : refuse(option, value, expected)
}
