/// How the frames that went in came out: the same frames in the same order, but for those that are missing.
public struct Crossing: Sendable {
  /// Positions in the input of the frames that did not come out.
  public private(set) var missing: [Int] = []
  /// Position in the output of the first frame that is not the next of the input's frames; `nil` if all is in order.
  public private(set) var stray: Int?

  public init(from input: [Frame], to output: [Frame]) {
    var next = 0  // in the output
    for (position, frame) in input.enumerated() {
      if next < output.count, output[next] == frame { next += 1 } else { missing.append(position) }
    }
    if next < output.count { stray = next }
  }
}
