extension Engine {
  /// A text that differs between two models, whatever their files are called.
  package var modelIdentity: String {
    get async {
      await core.withMemory { memory in
        let model = memory.store.model
        return "\(model.high).\(model.low)"
      }
    }
  }
}

extension EngineError {
  /// Whether the same request may be answered later: what it lacks are places, memory or room on a disk.
  package var mayPass: Bool {
    switch code {
    case .busy, .memory, .machine: true
    case .model, .options, .prompt, .session, .snapshot: false
    }
  }
}
