internal import Primitives
internal import Ruleset

/// A set or map as the interpreter has it.
final class MeantSet {
  /// Elements without ranges by their keys.
  var elements: [[UInt128]: MeantElement] = [:]
  /// Those with ranges.
  private var ranges: [MeantElement] = []
  /// `*`.
  private var other: MeantElement?
  var size = Int.max
  private var isLive = false

  init() {}

  init(_ set: AnonymousSet) {
    for element in set.elements { add(MeantElement(element, of: [])) }
  }

  /// - Parameters:
  ///   - isLive: packets change it.
  ///   - now: elements with a timeout count from here.
  init(_ set: NamedSet, isLive: Bool, at now: Instant) {
    size = set.capacity
    self.isLive = isLive
    for element in set.elements {
      let made = MeantElement(element, of: set.statements)
      made.timeout = element.timeout ?? set.timeout
      if made.timeout == 0 { made.timeout = nil }
      made.deadline = made.timeout.map { now + .timeout(milliseconds: element.expires ?? $0) }
      add(made)
    }
  }

  private func add(_ element: MeantElement) {
    guard let key = element.key else {
      other = element
      return
    }
    if key.isExact {
      elements[key.parts.map(\.lowerBound)] = element
    } else {
      ranges.append(element)
    }
  }

  func find(_ key: [UInt128], at now: Instant) -> MeantElement? {
    func isIn(_ element: MeantElement) -> Bool {
      guard let parts = element.key?.parts, parts.count == key.count, !element.isExpired(at: now) else { return false }
      return zip(parts, key).allSatisfy { $0.contains($1) }
    }
    if let exact = elements[key], !exact.isExpired(at: now) { return exact }
    return ranges.first(where: isIn) ?? other.flatMap { $0.isExpired(at: now) ? nil : $0 }
  }

  /// - Parameter lives: whether a connection that was counted still lives; in a set that packets change, an element
  ///   that counts none any more goes.
  func expire(at now: Instant, _ lives: (UInt64) -> Bool) {
    elements = elements.filter { !$0.value.isExpired(at: now) && !(isLive && $0.value.countsNothing(lives)) }
    ranges.removeAll { $0.isExpired(at: now) }
  }

  func listing(at now: Instant) -> [Element] {
    (Array(elements.values) + ranges + (other.map { [$0] } ?? [])).filter { !$0.isExpired(at: now) }.map { element in
      var listed = Element(element.key, value: element.value)
      listed.comment = element.comment
      listed.timeout = element.timeout
      listed.expires = element.deadline.map { ($0 - now).nanoseconds / 1_000_000 }
      listed.statements = element.statements
      return listed
    }
  }
}

/// One element, and what its statements know.
final class MeantElement {
  let key: Key?
  let value: Element.Value?
  let comment: String?
  var timeout: UInt64?
  var deadline: Instant?
  var statements: [Statement]
  var buckets: [Int: TokenBucket] = [:]
  var counts: [Int: Set<UInt64>] = [:]

  init(key: Key?, value: Element.Value?, statements: [Statement]) {
    self.key = key
    self.value = value
    self.statements = statements
    comment = nil
  }

  /// - Parameter statements: what the set gives those that have none of their own.
  init(_ element: Element, of statements: [Statement]) {
    key = element.key
    value = element.value
    comment = element.comment
    self.statements = element.statements.isEmpty ? statements : element.statements
  }

  /// Whether the connections that it counted are over.
  func countsNothing(_ lives: (UInt64) -> Bool) -> Bool {
    statements.indices.contains { place in
      guard case .connectionCount = statements[place] else { return false }
      return !(counts[place] ?? []).contains(where: lives)
    }
  }

  func isExpired(at now: Instant) -> Bool { deadline.map { $0 <= now } ?? false }
}

/// A token bucket as nft_limit keeps it: what it holds, and when it was last looked at.
struct TokenBucket {
  private let arithmetic: LimitArithmetic
  private let isOver: Bool
  private var tokens: Int64
  private var last: Instant?

  init(_ limit: Limit) {
    arithmetic = LimitArithmetic(limit)
    isOver = limit.isOver
    tokens = arithmetic.most
  }

  mutating func allows(_ bytes: Int, at now: Instant) -> Bool {
    let passed = last.map { Int64(min((now - $0).nanoseconds, UInt64(Int64.max / 4))) } ?? 0
    tokens = min(tokens + passed, arithmetic.most)
    last = now
    let cost = arithmetic.cost(bytes: bytes)
    guard cost <= tokens else { return isOver }
    tokens -= cost
    return !isOver
  }
}

extension NamedSet {
  /// How many elements it may hold; one that packets add to has a bound even if none was written.
  var capacity: Int { size.map(Int.init) ?? (flags.contains(.dynamic) ? 65_535 : .max) }

  /// What an element gets that a packet adds.
  func elementStatements(_ update: SetUpdate) -> [Statement] {
    update.statements.isEmpty ? statements : update.statements
  }
}
