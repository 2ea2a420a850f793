package import Cache
package import Model

/// What a snapshot says of its session before anything else.
package struct SnapshotHeader: Sendable, Equatable {
  package var form: SnapshotForm
  package var name: String
  package var namespace: String
  /// The model's digest, and its name.
  package var model: BlockIdentity
  package var modelName: String
  package var template: String
  /// Seconds since 1970.
  package var created: Int64
  package var used: Int64
  /// Turns, what the model is told to be included.
  package var turns: Int
  package var hasSettings: Bool
  /// Nil where there are no keys and values, and no tokens.
  package var sequence: Sequence?

  /// What the keys and values are of.
  package struct Sequence: Sendable, Equatable {
    package var layout: KVLayout
    package var codec: FrameCodec
    /// What blocks were chosen by, which says what the index keeps of them.
    package var scorer: RecallOptions.Scorer
    /// The identity before the first block.
    package var root: BlockIdentity
    /// What the root stands for beside model, layout and namespace; nil where nobody knows.
    package var signature: String?
    package var tokens: Int
    /// Filled ones.
    package var blocks: Int
    package var hasTail: Bool

    package var shape: FrameShape { FrameShape(layout) }

    package init(
      layout: KVLayout, codec: FrameCodec, scorer: RecallOptions.Scorer, root: BlockIdentity,
      signature: String?, tokens: Int, blocks: Int, hasTail: Bool
    ) {
      self.layout = layout
      self.codec = codec
      self.scorer = scorer
      self.root = root
      self.signature = signature
      self.tokens = tokens
      self.blocks = blocks
      self.hasTail = hasTail
    }
  }
}

extension FrameShape {
  /// One layer of a block.
  package init(_ layout: KVLayout) {
    self.init(
      heads: layout.kvHeads, dimension: layout.headDimension, tokens: layout.blockLength,
      valueStride: layout.valueStride, elementBytes: layout.type.byteCount)
  }
}

// MARK: - Bytes

extension SnapshotHeader {
  func encoded() -> [UInt8] {
    var bytes = SnapshotBytes()
    bytes.put(UInt8(SnapshotForm.allCases.firstIndex(of: form)!))
    bytes.put(UInt8(hasSettings ? 1 : 0))
    bytes.put(UInt8(sequence == nil ? 0 : 1))
    bytes.put(UInt8(sequence?.hasTail == true ? 1 : 0))
    bytes.put(UInt32(turns))
    bytes.put(model)
    bytes.put(created)
    bytes.put(used)
    for text in [name, namespace, modelName, template] { bytes.put(text) }
    guard let sequence else { return bytes.bytes }
    let layout = sequence.layout
    for number in [layout.blockLength, layout.layers, layout.kvHeads, layout.headDimension] {
      bytes.put(UInt32(number))
    }
    bytes.put(UInt32(layout.valueStride))
    bytes.put(UInt32(layout.type.byteCount))
    bytes.put(UInt32(sequence.codec.rawValue))
    bytes.put(sequence.root)
    bytes.put(UInt64(sequence.tokens))
    bytes.put(UInt64(sequence.blocks))
    bytes.put(sequence.scorer.rawValue)
    bytes.put(sequence.signature ?? "")
    return bytes.bytes
  }

  /// Nil when the bytes are none that a writer of this version makes.
  init?(encoded bytes: [UInt8]) {
    var cursor = SnapshotCursor(bytes)
    guard let form = cursor.take(UInt8.self), Int(form) < SnapshotForm.allCases.count,
      let hasSettings = cursor.take(UInt8.self), hasSettings <= 1,
      let hasSequence = cursor.take(UInt8.self), hasSequence <= 1,
      let hasTail = cursor.take(UInt8.self), hasTail <= hasSequence,
      let turns = cursor.take(UInt32.self), turns <= SnapshotFormat.maximumTurns,
      let model = cursor.takeIdentity(), let created = cursor.take(Int64.self),
      let used = cursor.take(Int64.self), let name = cursor.takeText(),
      let namespace = cursor.takeText(), let modelName = cursor.takeText(),
      let template = cursor.takeText()
    else { return nil }
    self.init(
      form: SnapshotForm.allCases[Int(form)], name: name, namespace: namespace, model: model,
      modelName: modelName, template: template, created: created, used: used, turns: Int(turns),
      hasSettings: hasSettings == 1)
    if hasSequence == 1 {
      guard self.form != .text, let sequence = Sequence(&cursor, hasTail: hasTail == 1) else {
        return nil
      }
      self.sequence = sequence
    }
    guard cursor.isAtEnd else { return nil }
  }
}

extension SnapshotHeader.Sequence {
  fileprivate init?(_ cursor: inout SnapshotCursor, hasTail: Bool) {
    guard let length = cursor.take(UInt32.self), let layers = cursor.take(UInt32.self),
      let heads = cursor.take(UInt32.self), let dimension = cursor.take(UInt32.self),
      let stride = cursor.take(UInt32.self), let elementBytes = cursor.take(UInt32.self),
      let type = KeyValueType.allCases.first(where: { $0.byteCount == elementBytes }),
      let codec = cursor.take(UInt32.self).flatMap({ UInt8(exactly: $0) })
        .flatMap(FrameCodec.init),
      let root = cursor.takeIdentity(), let tokens = cursor.take(UInt64.self),
      let blocks = cursor.take(UInt64.self),
      let scorer = cursor.takeText().flatMap(RecallOptions.Scorer.init),
      let signature = cursor.takeText(),
      // What `KVLayout` and the codecs can be asked for.
      length > 0, length % 16 == 0, length <= 128, (1...4096).contains(layers),
      (1...1024).contains(heads), (1...4096).contains(dimension),
      tokens <= SnapshotFormat.maximumTokens, blocks <= tokens / UInt64(length)
    else { return nil }
    let layout = KVLayout(
      layers: Int(layers), kvHeads: Int(heads), headDimension: Int(dimension),
      blockLength: Int(length), type: type)
    guard layout.valueStride == stride, layout.blockByteCount <= SnapshotFormat.maximumBlockBytes
    else { return nil }
    self.init(
      layout: layout, codec: codec, scorer: scorer, root: root,
      signature: signature.isEmpty ? nil : signature, tokens: Int(tokens), blocks: Int(blocks),
      hasTail: hasTail)
  }
}
