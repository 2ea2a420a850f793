/// Chooses what each layer's queries see beside the spans that all layers share.
package protocol LayerViews: AnyObject {
  /// Called once for each layer of a pass, when the layer's keys and values of all rows have been
  /// stored and before they are attended. May place blocks into the spans that were reserved in
  /// `step`.
  ///
  /// - Parameter queries: [rows][heads * headDimension], not rotated; valid during the call.
  @unsafe
  func choose(layer: Int, queries: UnsafePointer<Float>, in step: Step)
}
