internal import Primitives

/// An element that was found, where its words are: of a set that stays as it was compiled deadline, data and
/// statements, of a live one its record.
@safe
struct FoundElement: BitwiseCopyable {
  var words: UnsafeMutablePointer<UInt64>?
  var isFound: Bool { unsafe words != nil }
}

extension RuleEngine {
  /// The element whose key is on the stack from `key` on.
  mutating func find(_ view: RuleView, _ set: UInt32, _ key: Int, _ now: Instant) -> FoundElement {
    let head = view.word(set, SetWords.head)
    let parts = Int(head >> 8 & 0xFF)
    let table = UInt32(truncatingIfNeeded: view.word(set, SetWords.table))
    let size = view.word(set, SetWords.size)
    var element: UInt64 = 0
    switch SetWords.Kind(rawValue: UInt8(truncatingIfNeeded: head)) ?? .empty {
    case .empty: break
    case .hashOfOneWord:
      element = unsafe view.listInHash(table, size, UInt64(truncatingIfNeeded: stack[key]))
    case .hash: element = inHash(view, head, table, size, key)
    case .segments:
      let segment = unsafe view.segment(table, Int(size), UInt64(truncatingIfNeeded: stack[key]))
      if segment >= 0 { element = view.word(table, Int(size) &+ segment) }
    case .wideSegments:
      let segment = unsafe view.wideSegment(table, Int(size), stack[key])
      if segment >= 0 { element = view.word(table, Int(size) &* 2 &+ segment) }
    case .tree: element = unsafe view.inTree(table, stack + key, parts: parts)
    case .live:
      let live = unsafe liveTable(view, set)
      let record = unsafe live.pointee.find(stack + key, at: now.nanoseconds)
      if unsafe record != nil { return unsafe FoundElement(words: record) }
    }
    let found = word(view, set, element, now)
    if found.isFound { return found }
    return word(view, set, view.word(set, SetWords.other), now)
  }

  /// An element by its number plus one, unless its time is over.
  @inline(__always)
  private func word(_ view: RuleView, _ set: UInt32, _ element: UInt64, _ now: Instant) -> FoundElement {
    guard element != 0 else { return unsafe FoundElement(words: nil) }
    let stride = view.word(set, SetWords.stride)
    let place = view.word(set, SetWords.elements) &+ (element &- 1) &* stride
    if view.word(set, SetWords.head) >> 32 & 1 != 0 {
      let deadline = view.word(UInt32(truncatingIfNeeded: place))
      if deadline != 0, deadline <= now.nanoseconds { return unsafe FoundElement(words: nil) }
    }
    return unsafe FoundElement(words: UnsafeMutablePointer(mutating: view.words + Int(place)))
  }

  private mutating func inHash(_ view: RuleView, _ head: UInt64, _ table: UInt32, _ mask: UInt64, _ key: Int) -> UInt64
  {
    let parts = Int(head >> 8 & 0xFF)
    let words = Int(head >> 16 & 0xFF)
    let isWide = head >> 40
    var hash: UInt64 = 0
    for part in 0..<parts {
      let value = unsafe stack[key &+ part]
      hash = RuleView.hash(hash ^ UInt64(truncatingIfNeeded: value), view.secret)
      if isWide &>> UInt64(part) & 1 != 0 {
        hash = RuleView.hash(hash ^ UInt64(truncatingIfNeeded: value >> 64), view.secret)
      }
    }
    let stride = words &+ 1
    var place = hash & mask
    while true {
      let entry = Int(truncatingIfNeeded: place) &* stride
      let element = view.word(table, entry &+ words)
      if element == 0 { return 0 }
      var isSame = true
      var at = entry
      for part in 0..<parts {
        let value = unsafe stack[key &+ part]
        if view.word(table, at) != UInt64(truncatingIfNeeded: value) { isSame = false }
        at &+= 1
        if isWide &>> UInt64(part) & 1 != 0 {
          if view.word(table, at) != UInt64(truncatingIfNeeded: value >> 64) { isSame = false }
          at &+= 1
        }
      }
      if isSame { return element }
      place = (place &+ 1) & mask
    }
  }

  @inline(__always)
  func liveTable(_ view: RuleView, _ set: UInt32) -> UnsafeMutablePointer<LiveTable> {
    let tables = UInt32(truncatingIfNeeded: view.word(set, SetWords.live))
    // Never zero: the compiler wrote the address of a table for each worker.
    return unsafe UnsafeMutablePointer(bitPattern: UInt(view.word(tables, worker))).unsafelyUnwrapped
  }

  /// Puts a map's data on the stack from `top` on; the new top.
  mutating func putData(_ view: RuleView, _ set: UInt32, _ found: FoundElement, _ top: Int) -> Int {
    guard let words = unsafe found.words else { return top }
    let count = Int(view.word(set, SetWords.data))
    var data = unsafe words + 1
    if view.isLive(set) { unsafe data = words + liveTable(view, set).pointee.layout.data }
    for part in 0..<count {
      unsafe stack[top &+ part] = UInt128(data[part &* 2 &+ 1]) << 64 | UInt128(data[part &* 2])
    }
    return top &+ count
  }

  /// Whether an element's own statements hold; most have none.
  @inline(__always)
  mutating func holds(
    _ view: RuleView, _ set: UInt32, _ found: FoundElement, _ packet: PacketReference, _ now: Instant
  ) -> Bool {
    let statements = Int(view.word(set, SetWords.head) >> 24 & 0xFF)
    if statements == 0 { return true }
    return holdAll(view, set, statements, found, packet, now)
  }

  @inline(never)
  private mutating func holdAll(
    _ view: RuleView, _ set: UInt32, _ statements: Int, _ found: FoundElement, _ packet: PacketReference,
    _ now: Instant
  ) -> Bool {
    guard let words = unsafe found.words else { return true }
    if view.isLive(set) {
      return unsafe holdAllLive(view, set, statements, words, packet.it.datagramLength, packet.it.countedID, now)
    }
    // Cell and statement of each, behind the data.
    let data = Int(view.word(set, SetWords.stride)) &- 2 &* statements
    for statement in 0..<statements {
      let cell = unsafe words[data &+ statement &* 2]
      let place = unsafe UInt32(truncatingIfNeeded: words[data &+ statement &* 2 &+ 1])
      guard place != 0 else { continue }
      switch StateWords.Kind(rawValue: view.word(place, StateWords.kind)) ?? .none {
      case .none: break
      case .counter: count(cell, packet.it.datagramLength)
      case .limit: if !allows(view, place, cell, packet.it.datagramLength, now) { return false }
      case .count: if !counts(view, place, cell, packet.it.countedID) { return false }
      }
    }
    return true
  }
}

extension RuleView {
  @inline(__always)
  func isLive(_ set: UInt32) -> Bool {
    UInt8(truncatingIfNeeded: word(set, SetWords.head)) == SetWords.Kind.live.rawValue
  }
}
