public import ArgumentParser
public import Generation

extension SnapshotForm: ExpressibleByArgument {}
