package import Model

/// The beginnings of replies that share beginnings: tokens, each of which knows the one before it.
package struct TokenTree: Sendable, Equatable {
  /// The place before every first token.
  package static let root = -1

  private struct Node: Equatable {
    var token: TokenID
    var parent: Int32
    /// Tokens up to it, its own included.
    var depth: Int32
  }

  private var nodes: [Node] = []

  package mutating func append(_ token: TokenID, behind parent: Int) -> Int {
    nodes.append(Node(token: token, parent: Int32(parent), depth: Int32(depth(of: parent) + 1)))
    return nodes.count - 1
  }

  package func token(of node: Int) -> TokenID { nodes[node].token }

  package func parent(of node: Int) -> Int { Int(nodes[node].parent) }

  package func depth(of node: Int) -> Int { node == Self.root ? 0 : Int(nodes[node].depth) }

  /// The last node that the paths to two others share.
  package func meeting(_ a: Int, _ b: Int) -> Int {
    var (a, b) = (a, b)
    while depth(of: a) > depth(of: b) { a = parent(of: a) }
    while depth(of: b) > depth(of: a) { b = parent(of: b) }
    while a != b { (a, b) = (parent(of: a), parent(of: b)) }
    return a
  }

  /// The nodes behind the first `count` up to `node`.
  package func path(to node: Int, beyond count: Int = 0) -> [Int] {
    var (path, node): ([Int], Int) = ([], node)
    while depth(of: node) > count {
      path.append(node)
      node = parent(of: node)
    }
    return path.reversed()
  }

  package func tokens(to node: Int) -> [TokenID] { path(to: node).map(token(of:)) }
}
