/// Carries the loss of a link to the other end of a bridged pair, so that what stands behind both ports sees one wire.
///
/// Two traps make it a machine. A port that we took down reports "down" too, and that report must not come back to its
/// peer, or the pair would never rise again. And a link needs seconds to rise: whoever takes the other side down for
/// not being there yet makes both flap for ever. So a loss counts at once only after both sides were up; until then the
/// late side has `patience`.
public struct LinkPropagation: Equatable, Sendable {
  public enum Side: Sendable { case a, b }
  /// What to ask of a port.
  public enum Order: Equatable, Sendable {
    case takeDown(Side)
    case bringUp(Side)
  }

  private enum State: Equatable {
    /// At the start, or after a side was brought up again: how many more reports may show only one side up.
    case rising(patience: Int)
    /// Both sides were up.
    case whole
    case holds(Side)
    /// The driver cannot take that side down: not asked again before both sides are up.
    case cannot(Side)
  }

  private let patience: Int
  private var state: State

  /// - Parameter patience: reports that a side may take to rise when the other is up already.
  public init(patience: Int) {
    self.patience = patience
    state = .rising(patience: patience)
  }

  /// The order that follows from what the two ports report, if any.
  public mutating func next(aUp: Bool, bUp: Bool) -> Order? {
    switch (state, aUp, bUp) {
    case (.rising, true, true), (.whole, true, true), (.cannot, true, true):
      state = .whole
      return nil
    case (.rising(let left), true, false) where left > 0, (.rising(let left), false, true) where left > 0:
      state = .rising(patience: left - 1)
      return nil
    case (.rising, true, false), (.whole, true, false):
      state = .holds(.a)
      return .takeDown(.a)
    case (.rising, false, true), (.whole, false, true):
      state = .holds(.b)
      return .takeDown(.b)
    case (.holds(.b), true, _):
      state = .rising(patience: patience)
      return .bringUp(.b)
    case (.holds(.a), _, true):
      state = .rising(patience: patience)
      return .bringUp(.a)
    case (.rising, false, false), (.whole, false, false), (.holds, _, _), (.cannot, _, _): return nil
    }
  }

  /// The driver refused to take that side down.
  public mutating func refused(_ side: Side) { state = .cannot(side) }
}
