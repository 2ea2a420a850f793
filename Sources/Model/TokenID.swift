/// A token: an index into the model's vocabulary, `0..<vocabularySize`.
public typealias TokenID = Int32
