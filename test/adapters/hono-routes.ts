import type { HonoApp } from './hono-server.js'

/** Whatever hono-sessions lets a handler do with a session, at a path each. */
export function addHonoRoutes(app: HonoApp): void {
  app.get('/visit', (context) => {
    const session = context.get('session')
    const visits = (session.get('visits') ?? 0) + 1
    session.set('visits', visits)
    return context.text(String(visits))
  })
  app.get('/look', (context) => context.text(String(context.get('session').get('visits'))))
  app.get('/flash', (context) => {
    context.get('session').flash('note', 'once')
    return context.text('flashed')
  })
  app.get('/note', (context) => context.text(String(context.get('session').get('note'))))
  app.get('/forget', (context) => {
    context.get('session').forget('visits')
    return context.text('forgotten')
  })
  app.get('/date', (context) => {
    const session = context.get('session')
    const before = session.get('note')
    session.set('note', new Date(5))
    return context.text(before instanceof Date ? String(before.getTime()) : 'none')
  })
  app.get('/logout', (context) => {
    context.get('session').deleteSession()
    return context.text('bye')
  })
  app.get('/rotate', (context) => {
    context.set('session_key_rotation', true)
    return context.text('rotated')
  })
  app.get('/unencodable', (context) => {
    context.get('session').set('note', () => 'a function')
    return context.text('never sent')
  })
}
