/// Carries the loss of a link to the other end of a bridged pair, so that what stands behind both ports sees one wire.
///
/// A port that we took down ourselves reports "down" too; that report must not come back to its peer, or the pair would
/// never rise again. So the machine remembers which side it holds down.
public struct LinkPropagation: Equatable, Sendable {
  public enum Side: Sendable { case a, b }
  /// What to ask of a port.
  public enum Order: Equatable, Sendable {
    case takeDown(Side)
    case bringUp(Side)
  }

  private enum State: Equatable {
    case free
    case holds(Side)
    /// The driver cannot take that side down: not asked again before both sides are up.
    case cannot(Side)
  }

  private var state = State.free

  public init() {}

  /// The order that follows from what the two ports report, if any.
  public mutating func next(aUp: Bool, bUp: Bool) -> Order? {
    switch (state, aUp, bUp) {
    case (.free, false, true):
      state = .holds(.b)
      return .takeDown(.b)
    case (.free, true, false):
      state = .holds(.a)
      return .takeDown(.a)
    case (.holds(.b), true, _):
      state = .free
      return .bringUp(.b)
    case (.holds(.a), _, true):
      state = .free
      return .bringUp(.a)
    case (.cannot, true, true):
      state = .free
      return nil
    default: return nil
    }
  }

  /// The driver refused to take that side down.
  public mutating func refused(_ side: Side) { state = .cannot(side) }
}
