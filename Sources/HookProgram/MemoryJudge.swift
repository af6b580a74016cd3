/// Says whether a program touches its packet and its stack alone.
///
/// The validator of rte_bpf means to say so, but 22.11 loses track of bounds in some sums: it lets a pointer be moved by
/// a product or a negative number (found by running what it takes next to unmapped memory). Here a number has an upper
/// bound or none, and a pointer moved by one without is no pointer any more. Programs have no loops, so one look at each
/// instruction is enough, in an order in which all that may come before it has been seen. O(instructions).
enum MemoryJudge {
  /// Bytes of the argument, and of the stack below register 10.
  static let packetBytes = 256
  static let stackBytes = 512

  /// What may be in a register or on the stack.
  enum Value: Equatable {
    /// At most this; also what is left of a pointer that cannot be followed.
    case number(UInt64)
    /// The packet's first byte and so many, from the least to the most.
    case packet(Int, Int)
    /// The stack's end and so many, which are negative.
    case stack(Int)

    static let anything = Value.number(.max)

    func joined(_ other: Value) -> Value {
      switch (self, other) {
      case (.number(let a), .number(let b)): .number(max(a, b))
      case (.packet(let a, let b), .packet(let c, let d)): .packet(min(a, c), max(b, d))
      default: self == other ? self : .anything
      }
    }

    /// As a number.
    var most: UInt64 { if case .number(let most) = self { most } else { .max } }

    func moved(from least: Int, to most: Int) -> Value {
      switch self {
      case .packet(let a, let b):
        // Farther than that is nowhere; nothing overflows.
        let (first, last) = (a + least, b + most)
        return first < -1 << 32 || last > 1 << 32 ? .anything : .packet(first, last)
      case .stack(let place): return least == most && abs(place + least) < 1 << 32 ? .stack(place + least) : .anything
      case .number: return .anything
      }
    }
  }

  struct State {
    var registers = [Value](repeating: .anything, count: 11)
    /// Eight bytes each, from the lowest place.
    var slots = [Value](repeating: .anything, count: stackBytes / 8)

    mutating func join(_ other: State) {
      for i in registers.indices { registers[i] = registers[i].joined(other.registers[i]) }
      for i in slots.indices { slots[i] = slots[i].joined(other.slots[i]) }
    }
  }

  /// - Parameters:
  ///   - next: which instructions may follow each.
  ///   - order: of all of them, each behind those that it may follow.
  static func judge(
    _ program: [Instruction], next: [[Int]?], order: [Int], section: String
  ) throws(HookProgramError) {
    var states = [State?](repeating: nil, count: program.count)
    var first = State()
    first.registers[1] = .packet(0, 0)
    first.registers[10] = .stack(0)
    states[0] = first
    for place in order {
      guard var state = states[place] else { continue }
      states[place] = nil
      if let complaint = run(program[place], program[min(place + 1, program.count - 1)], &state) {
        throw .instruction(section: section, place, complaint)
      }
      for target in next[place] ?? [] {
        var state = state
        if program[place].isConditional, next[place]?.count == 2 {
          refine(&state, program[place], isTaken: target != place + 1)
        }
        if states[target] == nil { states[target] = state } else { states[target]?.join(state) }
      }
    }
  }

  // MARK: One instruction

  private static func run(_ instruction: Instruction, _ following: Instruction, _ state: inout State) -> String? {
    let (target, source) = (Int(instruction.target), Int(instruction.source))
    let size = [4, 2, 1, 8][Int(instruction.code >> 3 & 3)]
    switch instruction.kind {
    case .load:
      let number = UInt64(UInt32(bitPattern: instruction.immediate))
      state.registers[target] = .number(number | UInt64(UInt32(bitPattern: following.immediate)) << 32)
    case .loadRegister:
      let base = state.registers[source]
      if let complaint = complaint("reads", size, base, instruction.offset) { return complaint }
      var value = Value.number(size == 8 ? .max : 1 << UInt64(8 * size) - 1)
      if case .stack(let place) = base, let slot = slot(place + Int(instruction.offset), size) {
        value = state.slots[slot]
      }
      state.registers[target] = value
    case .store, .storeRegister:
      let base = state.registers[target]
      if let complaint = complaint("writes", size, base, instruction.offset) { return complaint }
      guard case .stack(let place) = base else { return nil }
      let start = place + Int(instruction.offset)
      if let slot = slot(start, size), instruction.code & 0xE0 == 0x60 {
        state.slots[slot] =
          instruction.kind == .store ? .number(wide(instruction.immediate)) : state.registers[source]
      } else {
        for byte in [start, start + size - 1] { state.slots[(byte + stackBytes) / 8] = .anything }
      }
    case .arithmetic32, .arithmetic64:
      state.registers[target] = arithmetic(instruction, state.registers[target], state.registers[source])
    case .jump, .jump32: break
    }
    return nil
  }

  /// Which eight bytes of the stack are meant, if it is eight of them.
  private static func slot(_ place: Int, _ size: Int) -> Int? {
    size == 8 && (place + stackBytes) % 8 == 0 ? (place + stackBytes) / 8 : nil
  }

  private static func complaint(_ verb: String, _ size: Int, _ base: Value, _ offset: Int16) -> String? {
    switch base {
    case .packet(let least, let most):
      let (first, last) = (least + Int(offset), most + Int(offset) + size - 1)
      return first >= 0 && last < packetBytes
        ? nil : "\(verb) bytes \(first) to \(last) of the packet's \(packetBytes), or some of them"
    case .stack(let place):
      let first = place + Int(offset)
      return first >= -stackBytes && first + size <= 0
        ? nil : "\(verb) bytes \(first) to \(first + size - 1) of a stack that has \(-stackBytes) to -1"
    case .number:
      return "\(verb) through a number, or a pointer that was moved by one without a bound; mask or compare it before"
    }
  }

  /// As operations of 64 bits take it.
  private static func wide(_ number: Int32) -> UInt64 { UInt64(bitPattern: Int64(number)) }

  // MARK: Arithmetic

  private static func arithmetic(_ instruction: Instruction, _ target: Value, _ source: Value) -> Value {
    let isByRegister = instruction.code & 0x08 != 0
    let operation = instruction.code & 0xF0
    if instruction.kind == .arithmetic64 {
      let number = Int(instruction.immediate)
      switch (operation, isByRegister, target, source) {
      case (0xB0, true, _, _): return source
      case (0x00, false, .packet, _), (0x00, false, .stack, _): return target.moved(from: number, to: number)
      case (0x10, false, .packet, _), (0x10, false, .stack, _): return target.moved(from: -number, to: -number)
      case (0x00, true, .packet, .number(let most)): return target.moved(from: 0, to: Int(clamping: min(most, 1 << 33)))
      case (0x00, true, .number(let most), .packet): return source.moved(from: 0, to: Int(clamping: min(most, 1 << 33)))
      case (0x10, true, .packet, .number(let most)):
        return target.moved(from: -Int(clamping: min(most, 1 << 33)), to: 0)
      default:
        return .number(
          bound(operation, target.most, isByRegister ? source.most : wide(instruction.immediate), isByRegister))
      }
    }
    let limit = UInt64(UInt32.max)
    if operation == 0xD0 {
      return .number(instruction.immediate >= 64 ? .max : 1 << UInt64(instruction.immediate & 63) - 1)
    }
    let other = isByRegister ? min(source.most, limit) : UInt64(UInt32(bitPattern: instruction.immediate))
    return .number(min(bound(operation, min(target.most, limit), other, isByRegister), limit))
  }

  /// The most that may come out of numbers that are at most `a` and `b`; `b` is exact unless it is a register's.
  private static func bound(_ operation: UInt8, _ a: UInt64, _ b: UInt64, _ isByRegister: Bool) -> UInt64 {
    switch operation {
    case 0x00: return a.addingReportingOverflow(b).overflow ? .max : a + b
    case 0x20: return a.multipliedReportingOverflow(by: b).overflow ? .max : a * b
    case 0x30: return isByRegister || b == 0 ? a : a / b
    case 0x90: return isByRegister || b == 0 ? a : min(a, b - 1)
    case 0x40, 0xA0: return UInt64.max >> UInt64((a | b).leadingZeroBitCount)
    case 0x50: return min(a, b)
    case 0x60: return isByRegister || b > 63 || a.leadingZeroBitCount < Int(b) ? .max : a << b
    case 0x70: return isByRegister || b > 63 ? a : a >> b
    case 0xC0: return a > UInt64(Int64.max) ? .max : isByRegister || b > 63 ? a : a >> b
    case 0xB0: return b
    default: return .max
    }
  }

  // MARK: Branches

  /// What is known of the numbers that were compared.
  private static func refine(_ state: inout State, _ instruction: Instruction, isTaken: Bool) {
    let (target, source) = (Int(instruction.target), Int(instruction.source))
    let isByRegister = instruction.code & 0x08 != 0
    guard case .number(let a) = state.registers[target] else { return }
    var b = wide(instruction.immediate)
    if isByRegister {
      guard case .number(let most) = state.registers[source] else { return }
      b = most
    }
    func below(_ a: UInt64, _ b: UInt64, orEqual: Bool) -> UInt64 { orEqual || b == 0 ? min(a, b) : min(a, b - 1) }
    // Which of the two is lower, and may they be equal?
    let lower: (isTarget: Bool, orEqual: Bool)?
    switch (instruction.code & 0xF0, isTaken) {
    case (0x10, true), (0x50, false):
      state.registers[target] = .number(min(a, b))
      if isByRegister { state.registers[source] = .number(min(a, b)) }
      return
    case (0x20, false), (0xB0, true): lower = (true, true)
    case (0x20, true), (0xB0, false): lower = (false, false)
    case (0x30, false), (0xA0, true): lower = (true, false)
    case (0x30, true), (0xA0, false): lower = (false, true)
    default: lower = nil
    }
    guard let lower else { return }
    if lower.isTarget {
      state.registers[target] = .number(below(a, b, orEqual: lower.orEqual))
    } else if isByRegister {
      state.registers[source] = .number(below(b, a, orEqual: lower.orEqual))
    }
  }
}
