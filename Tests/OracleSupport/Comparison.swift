public import Foundation

/// What an implementation did with a case, as far as it was seen.
public struct Observed: Sendable {
  /// Whether each packet was sent on; empty: not looked at.
  public var isForwarded: [Bool]
  /// The oracle's word for each packet's `ct state` and direction; empty: not looked at.
  public var classes: [String]
  /// The table after each packet, one line an entry; empty: not looked at.
  public var tables: [[String]]
  /// What each packet had told of, in order; empty: not looked at.
  public var events: [[String]]
  /// The table at the end; `nil`: not looked at.
  public var finalTable: [String]?

  public init(
    isForwarded: [Bool] = [], classes: [String] = [], tables: [[String]] = [], events: [[String]] = [],
    finalTable: [String]? = nil
  ) {
    (self.isForwarded, self.classes, self.tables, self.events) = (isForwarded, classes, tables, events)
    self.finalTable = finalTable
  }
}

/// One thing that the kernel did and we did not, or the other way round.
public struct Difference: Sendable, Equatable, CustomStringConvertible {
  public enum Field: String, Sendable, CaseIterable { case verdict, `class`, table, event }

  public let name: String
  public let field: Field
  /// Counted from 1; `nil`: at the end.
  public let packet: Int?
  public let kernel: String
  public let ours: String

  public var description: String {
    "\(field.rawValue) \(packet.map { "of packet \($0)" } ?? "at the end")\n    kernel: \(kernel)\n    ours:   \(ours)"
  }
}

extension OracleCase {
  /// What differs, packet by packet.
  public func differences(from observed: Observed) -> [Difference] {
    var found: [Difference] = []
    func compare(_ field: Difference.Field, _ packet: Int?, _ kernel: String, _ ours: String) {
      guard kernel != ours else { return }
      found.append(Difference(name: name, field: field, packet: packet, kernel: kernel, ours: ours))
    }
    for (index, packet) in golden.packets.enumerated() {
      if observed.isForwarded.indices.contains(index) {
        let isForwarded = observed.isForwarded[index]
        if isForwarded != packet.isForwarded {
          compare(.verdict, index + 1, packet.verdict, isForwarded ? "forward" : "drop")
        }
      }
      if observed.classes.indices.contains(index) {
        compare(.class, index + 1, packet.class, observed.classes[index])
      }
      if observed.tables.indices.contains(index) {
        compare(.table, index + 1, text(packet.table), text(observed.tables[index]))
      }
      if observed.events.indices.contains(index) {
        compare(.event, index + 1, lines(packet.events), lines(observed.events[index]))
      }
    }
    if let table = observed.finalTable { compare(.table, nil, text(golden.finalTable.map(\.line)), text(table)) }
    return found
  }

  private func text(_ table: [String]) -> String { table.isEmpty ? "(empty)" : lines(table.sorted()) }
  private func lines(_ lines: [String]) -> String {
    lines.isEmpty ? "(none)" : lines.joined(separator: "\n            ")
  }
}

/// Differences that are meant, each with its reason: lines `case field reason`, the field `*` for all of them.
public struct AcceptedDifferences: Sendable {
  public struct Line: Sendable, Equatable {
    public let number: Int
    public let name: String
    public let field: Difference.Field?
    public let reason: String
  }
  public let lines: [Line]

  /// Those of this project, with their reasons.
  public static let file = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "accepted-differences.txt")

  public init(contentsOf file: URL) throws(InputError) {
    guard let text = try? String(contentsOf: file, encoding: .utf8) else { throw InputError(file, "cannot be read") }
    try self.init(text, of: file)
  }

  init(_ text: String, of file: URL) throws(InputError) {
    var lines: [Line] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let words = line.split(maxSplits: 2, whereSeparator: \.isWhitespace).map(String.init)
      guard let first = words.first, !first.hasPrefix("#") else { continue }
      guard words.count == 3 else { throw InputError(file, "line \(index + 1) is not `case field reason`") }
      let field = Difference.Field(rawValue: words[1])
      guard field != nil || words[1] == "*" else {
        let known = Difference.Field.allCases.map(\.rawValue).joined(separator: ", ")
        throw InputError(file, "line \(index + 1): field \(words[1]) is none of \(known), *")
      }
      lines.append(Line(number: index + 1, name: first, field: field, reason: words[2]))
    }
    self.lines = lines
  }

  /// Why a difference is meant; `nil`: nobody said.
  public func reason(for difference: Difference) -> String? {
    lines.first { $0.name == difference.name && ($0.field == nil || $0.field == difference.field) }?.reason
  }

  /// Lines about a case that was played and showed no such difference.
  ///
  /// - Parameter fields: those that were looked at.
  public func idle(for name: String, _ differences: [Difference], fields: Set<Difference.Field>) -> [Line] {
    lines.filter { line in
      line.name == name && line.field.map(fields.contains) ?? true
        && !differences.contains { line.field == nil || line.field == $0.field }
    }
  }
}
