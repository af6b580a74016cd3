/// A text of rules under the name by which faults cite it.
public struct RulesetSource: Hashable, Sendable {
  public var name: String
  public var text: String

  public init(name: String, text: String) {
    self.name = name
    self.text = text
  }
}

/// What is wrong at a place of a text, told as nft tells it: place and message, the line, carets below the words.
public struct RulesetFault: Error, Hashable, Sendable, CustomStringConvertible {
  public var place: Place
  public var message: String
  /// The line of the text.
  public var line: String
  /// A second place of the same line that takes part.
  public var related: Place?

  public init(place: Place, message: String, line: String = "", related: Place? = nil) {
    self.place = place
    self.message = message
    self.line = line
    self.related = related
  }

  public var description: String {
    "\(place.file):\(place.line):\(place.first)-\(place.last): Error: \(message)\n\(line)\n\(carets)\n"
  }

  /// What stands below the line: carets for the place, tildes for the other, and tabs where the line has them.
  private var carets: String {
    let signs = Array(line.utf8)
    var marks: [UInt8] = []
    func mark(_ place: Place, _ sign: Character) {
      guard place.first > 0, let sign = sign.asciiValue else { return }
      let last = min(max(place.first, place.last), 4096)
      while marks.count < last {
        let isTab = marks.count < signs.count && signs[marks.count] == UInt8(ascii: "\t")
        marks.append(UInt8(ascii: isTab ? "\t" : " "))
      }
      for column in min(place.first, 4096)...last { marks[column - 1] = sign }
    }
    if let related, related.line == place.line { mark(related, "~") }
    mark(place, "^")
    return String(decoding: marks, as: UTF8.self)
  }
}

/// All that is wrong with a text, in order; nothing of it was done.
public struct RulesetFaults: Error, Hashable, Sendable, CustomStringConvertible {
  public var faults: [RulesetFault]

  public init(_ faults: [RulesetFault]) { self.faults = faults }

  public var description: String { faults.map(\.description).joined() }
}
