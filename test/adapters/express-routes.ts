import type { Express } from 'express'

/** Whatever express-session lets a handler do with a session, at a path each. */
export function addRoutes(app: Express): void {
  app.get('/visit', (request, response) => {
    request.session.visits = (request.session.visits ?? 0) + 1
    response.send(String(request.session.visits))
  })
  app.get('/look', (request, response) => {
    response.send(request.session === undefined ? 'no session' : String(request.session.visits))
  })
  app.get('/cookie', (request, response) => {
    const { cookie } = request.session
    response.json({ date: cookie.expires instanceof Date, originalMaxAge: cookie.originalMaxAge })
  })
  app.get('/regenerate', (request, response, next) => {
    request.session.regenerate((error) => {
      if (error) return next(error)
      request.session.note = 'new'
      response.send(request.sessionID)
    })
  })
  app.get('/destroy', (request, response, next) => {
    request.session.destroy((error) => (error ? next(error) : response.send('destroyed')))
  })
  app.get('/unset', (request, response) => {
    Reflect.deleteProperty(request, 'session')
    response.send('unset')
  })
  app.get('/save-reload', (request, response, next) => {
    request.session.visits = 10
    request.session.save((saveError) => {
      if (saveError) return next(saveError)
      request.session.visits = 11
      request.session.reload((reloadError) =>
        reloadError ? next(reloadError) : response.send(String(request.session.visits)),
      )
    })
  })
  app.get('/reload-lost', (request, _response, next) => {
    request.sessionStore.destroy(request.sessionID, () => request.session.reload(next))
  })
}
