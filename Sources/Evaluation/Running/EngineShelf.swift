package import Generation

/// The engines of a run, one for all arms whose options are the same.
package final class EngineShelf {
  package let path: String
  private var engines: [(options: EngineOptions, engine: Engine)] = []

  package init(path: String) { self.path = path }

  package func engine(_ options: EngineOptions) throws(EngineError) -> Engine {
    if let known = engines.first(where: { $0.options == options }) { return known.engine }
    let engine = try Engine(path: path, options: options)
    engines.append((options, engine))
    return engine
  }
}
