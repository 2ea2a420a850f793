// A client of the engine writes `import Generation` alone; these are the lower types it meets.
@_exported public import Cascade
@_exported public import Hardware
@_exported public import Model
@_exported public import Scheduling
