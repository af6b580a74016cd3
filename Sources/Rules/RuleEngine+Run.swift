internal import Primitives

enum ChainEnd: UInt8, BitwiseCopyable { case accept, drop, reject, end }

/// Verdicts as maps keep them, in the low byte; the chain is in the upper half.
enum VerdictWord: UInt8, BitwiseCopyable { case accept, drop, `continue`, `return`, jump, goto }

extension RuleEngine {
  /// Runs a base chain.
  mutating func run(
    _ view: RuleView, _ start: UInt32, _ hook: RuleHook, _ packet: PacketReference, _ places: HeaderPlaces,
    _ now: Instant
  ) -> ChainEnd {
    var pc = Int(start)
    var depth = 0
    var top = 0  // values on the stack
    var value: UInt64 = 0
    while true {
      let step = unsafe view.code[pc]
      pc &+= 1
      variance.formUnion(step.variance)
      var goesOn = true
      switch step.operation {
      case .range:
        goesOn =
          view.load(step.load, packet, places, into: &value)
          && (value >= step.x && value <= step.y) != step.isNegated
      case .masked:
        goesOn = view.load(step.load, packet, places, into: &value) && (value & step.x == step.y) != step.isNegated
      case .anyBit:
        goesOn = view.load(step.load, packet, places, into: &value) && (value & step.x != 0) != step.isNegated
      case .port:
        let port = step.a == 0 ? packet.it.ingress : packet.it.egress
        let isIn = port < view.ports ? step.x &>> UInt64(port & 63) & 1 != 0 : step.y != 0
        goesOn = isIn != step.isNegated
      case .inSet:
        guard view.load(step.load, packet, places, into: &value) else {
          goesOn = false
          break
        }
        unsafe stack[0] = UInt128(value)
        let found = find(view, step.a, 0, now)
        goesOn = (found.isFound != step.isNegated) && (!found.isFound || holds(view, step.a, found, packet, now))
      case .push:
        goesOn = unsafe view.loadWide(step.load, packet, places, into: &stack[top])
        top &+= 1
      case .pushConstant:
        unsafe stack[top] = UInt128(step.y) << 64 | UInt128(step.x)
        top &+= 1
      case .and, .or, .xor:
        top &-= 1
        let (a, b) = unsafe (stack[top &- 1], stack[top])
        unsafe stack[top &- 1] = step.operation == .and ? a & b : step.operation == .or ? a | b : a ^ b
      case .shiftLeft:
        unsafe stack[top &- 1] = stack[top &- 1] << UInt128(step.x) & lowBits(Int(step.y))
      case .shiftRight:
        unsafe stack[top &- 1] = stack[top &- 1] >> UInt128(step.x)
      case .topRange:
        top = 0
        let one = unsafe stack[0]
        goesOn = (one >= view.wide(step.a, 0) && one <= view.wide(step.a, 2)) != step.isNegated
      case .topAnyBit:
        top = 0
        goesOn = (unsafe stack[0] & view.wide(step.a, 0) != 0) != step.isNegated
      case .compare:
        goesOn = compare(step)
        top = 0
      case .topKey:
        top = 0
        var isIn = true
        for part in 0..<Int(step.x) {
          let one = unsafe stack[part]
          let ends = step.a &+ UInt32(part &* 4)
          if one < view.wide(ends, 0) || one > view.wide(ends, 2) { isIn = false }
        }
        goesOn = isIn != step.isNegated
      case .topInSet:
        let found = find(view, step.a, 0, now)
        goesOn = (found.isFound != step.isNegated) && (!found.isFound || holds(view, step.a, found, packet, now))
        top = 0
      case .map:
        // The key's parts are on top; values below belong to what is being computed.
        top &-= Int(step.x)
        let found = find(view, step.a, top, now)
        goesOn = found.isFound && holds(view, step.a, found, packet, now)
        if goesOn { top = putData(view, step.a, found, top) }
      case .verdictMap:
        top = 0
        let found = find(view, step.a, 0, now)
        goesOn = found.isFound && holds(view, step.a, found, packet, now)
        guard goesOn, let words = unsafe found.words else { break }
        let word = unsafe words[1]
        let verdict = VerdictWord(rawValue: UInt8(truncatingIfNeeded: word)) ?? .drop
        let target = UInt32(truncatingIfNeeded: word >> 32)
        switch verdict {
        case .continue: break
        case .accept:
          if packet.it.isTraced { trace(hook, .accept, handle: step.x, chain: step.y) }
          return .accept
        case .drop:
          if packet.it.isTraced { trace(hook, .drop, handle: step.x, chain: step.y) }
          return .drop
        case .return:
          if packet.it.isTraced { trace(hook, .return, handle: step.x, chain: step.y) }
          guard depth > 0 else { return .end }
          depth &-= 1
          pc = unsafe Int(frames[depth].returnsTo)
        case .jump, .goto:
          if packet.it.isTraced { trace(hook, verdict == .jump ? .jump : .goto, handle: step.x, chain: step.y) }
          if verdict == .jump {
            guard depth < jumpDepth else { return .drop }
            unsafe frames[depth].returnsTo = step.next
            depth &+= 1
          }
          pc = Int(view.half(view.chains &* 2 &+ target))
        }
      case .held:
        if packet.it.isTraced { trace(hook, .continue, handle: step.x, chain: step.y) }
        pc = Int(step.next)
      case .accept:
        if packet.it.isTraced { trace(hook, .accept, handle: step.x, chain: step.y) }
        return .accept
      case .drop:
        if packet.it.isTraced { trace(hook, .drop, handle: step.x, chain: step.y) }
        return .drop
      case .reject:
        if packet.it.isTraced { trace(hook, .reject, handle: step.x, chain: step.y) }
        return .reject
      case .return, .chainEnd:
        if packet.it.isTraced, step.operation == .return { trace(hook, .return, handle: step.x, chain: step.y) }
        guard depth > 0 else { return .end }
        depth &-= 1
        pc = unsafe Int(frames[depth].returnsTo)
      case .jump:
        if packet.it.isTraced { trace(hook, .jump, handle: step.x, chain: step.y) }
        // The compiler refuses what could go deeper.
        guard depth < jumpDepth else { return .drop }
        unsafe frames[depth].returnsTo = step.next
        depth &+= 1
        pc = Int(step.a)
      case .goto:
        if packet.it.isTraced { trace(hook, .goto, handle: step.x, chain: step.y) }
        pc = Int(step.a)
      case .index:
        lookUp(view, step.a, packet, places, depth)
        pc = choose(depth, step.next)
      case .choose: pc = choose(depth, step.next)
      case .counter:
        count(step.x, packet.it.datagramLength)
      case .limit: goesOn = allows(view, step.a, step.x, packet.it.datagramLength, now)
      case .count: goesOn = counts(view, step.a, step.x, packet.it.countedID)
      case .setMark:
        top = 0
        packet.it.setMark(unsafe UInt32(truncatingIfNeeded: stack[0]))
      case .setTrace:
        top = 0
        packet.it.isTraced = unsafe stack[0] & 0xFF != 0
      case .setConnectionMark:
        top = 0
        packet.it.setConnectionMark(unsafe UInt32(truncatingIfNeeded: stack[0]))
      case .setLabels:
        top = 0
        packet.it.setLabels(unsafe stack[0])
      case .setEvents:
        top = 0
        packet.it.setEvents(unsafe UInt16(truncatingIfNeeded: stack[0]))
      case .setZone:
        top = 0
        let zone = unsafe UInt16(truncatingIfNeeded: stack[0])
        packet.it.setZone(zone, original: step.x & 1 != 0, reply: step.x & 2 != 0)
      case .notrack: packet.it.setUntracked()
      case .timeout: packet.it.setTimeout(Int(step.a), transport: UInt8(truncatingIfNeeded: step.x))
      case .offload:
        goesOn = packet.it.connection.isConnection
        if goesOn { packet.it.setFlowtable(Int(step.a)) }
      case .update:
        goesOn = update(view, step, packet, now)
        top = 0
      }
      if !goesOn {
        pc = Int(step.next)
        top = 0
      }
    }
  }

  /// Two values of y parts each, the left one first on the stack.
  @inline(never)
  private mutating func compare(_ step: Instruction) -> Bool {
    let parts = Int(step.y)
    var isEqual = true
    for part in 0..<parts where unsafe stack[part] != stack[parts &+ part] { isEqual = false }
    let (a, b) = unsafe (stack[0], stack[parts])
    switch step.x {
    case 0: return isEqual
    case 1: return !isEqual
    case 2: return a < b
    case 3: return a <= b
    case 4: return a > b
    case 5: return a >= b
    case 6: return a & b != 0
    default: return a & b == 0
    }
  }

  // MARK: Candidates

  /// Finds the rules of a chain that may match, as lists in the order of rules.
  private mutating func lookUp(
    _ view: RuleView, _ index: UInt32, _ packet: PacketReference, _ places: HeaderPlaces, _ depth: Int
  ) {
    let lists = unsafe heads + depth &* Self.mostLists
    var count = 0
    func add(_ list: UInt64) {
      let place = UInt32(truncatingIfNeeded: list)
      let length = UInt32(truncatingIfNeeded: list >> 32)
      guard length > 0 else { return }
      unsafe lists[count] = ListHead(current: view.half(place), place: place &+ 1, end: place &+ length)
      count &+= 1
    }
    add(view.word(index, IndexWords.always))
    var value: UInt64 = 0
    var wide: UInt128 = 0
    for feature in 0..<Int(view.word(index)) {
      let place = index &+ UInt32(IndexWords.count &+ feature &* IndexWords.feature)
      let load = unsafe unsafeBitCast(view.word(place, IndexWords.load), to: Load.self)
      let table = UInt32(truncatingIfNeeded: view.word(place, IndexWords.table))
      let size = view.word(place, IndexWords.size)
      switch IndexWords.Kind(rawValue: view.word(place, IndexWords.kind)) ?? .hash {
      case .hash:
        guard view.load(load, packet, places, into: &value) else { continue }
        add(view.listInHash(table, size, value))
      case .segments:
        guard view.load(load, packet, places, into: &value) else { continue }
        let segment = view.segment(table, Int(size), value)
        if segment >= 0 { add(view.word(table, Int(size) &+ segment)) }
      case .wideHash:
        guard view.loadWide(load, packet, places, into: &wide) else { continue }
        add(view.listInWideHash(table, size, wide))
      case .wideSegments:
        guard view.loadWide(load, packet, places, into: &wide) else { continue }
        let segment = view.wideSegment(table, Int(size), wide)
        if segment >= 0 { add(view.word(table, Int(size) &* 2 &+ segment)) }
      }
    }
    unsafe frames[depth].lists = UInt32(truncatingIfNeeded: count)
  }

  /// The code of the next rule that may match, or `end`.
  @inline(__always)
  private mutating func choose(_ depth: Int, _ end: UInt32) -> Int {
    let lists = unsafe heads + depth &* Self.mostLists
    var best = UInt32.max
    var chosen = 0
    for list in 0..<Int(unsafe frames[depth].lists) where unsafe lists[list].current < best {
      best = unsafe lists[list].current
      chosen = list
    }
    if best == .max { return Int(end) }
    unsafe lists[chosen].advance(view)
    return Int(best)
  }
}

extension RuleEngine.ListHead {
  @inline(__always)
  mutating func advance(_ view: RuleView?) {
    guard place < end, let view else {
      current = .max
      return
    }
    current = view.half(place)
    place &+= 1
  }
}
