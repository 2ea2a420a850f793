import Testing

/// What a store goes through in the world: each kind of misfortune is tried some times by chance, more
/// often with `Scripts/durability`.
///
/// One after the other: each has both processors to itself, and moments are moments.
@Suite("What was said is safe", .serialized)
struct Durability {}
