/// Says whether instructions are a program that the loader can take at a cost that is known before.
///
/// The loader's validator (rte_bpf 22.11) walks every way through a program, so its time is exponential in the number of
/// branches that come together again: 16 of them take 0.1 to 0.25 s, 24 take 18 s. The number of its steps is known without
/// walking: in topological order, each instruction is visited as often as all those before it lead to it.
enum Judge {
  static let mostInstructions = 4096
  /// Steps of the validator, of about 50 ns; it keeps its whole state at each branch, which takes as long as 16 others.
  /// 100 ms.
  static let mostWork: UInt64 = 2_000_000
  static let branchWork: UInt64 = 16

  // MARK: Instructions

  static func decode(_ bytes: ArraySlice<UInt8>, section: String) throws(HookProgramError) -> [Instruction] {
    guard bytes.count % 8 == 0 else {
      throw .program(section: section, "\(bytes.count) bytes are no whole number of instructions")
    }
    return stride(from: bytes.startIndex, to: bytes.endIndex, by: 8).map { at in
      var instruction = Instruction(bytes[at])
      instruction.registers = bytes[at + 1]
      instruction.offset = Int16(bitPattern: UInt16(bytes[at + 2]) | UInt16(bytes[at + 3]) << 8)
      instruction.immediate = (4..<8).reversed().reduce(0) { $0 << 8 | Int32(truncatingIfNeeded: bytes[at + $1]) }
      return instruction
    }
  }

  /// Why the loader does not know an instruction; `nil` if it does.
  private static func complaint(of instruction: Instruction) -> String? {
    let code = instruction.code
    guard instruction.target <= 10, instruction.source <= 10 else { return "names a register that there is not" }
    let unknown = "operation 0x\(String(code, radix: 16)) is not known to rte_bpf; compile with -mcpu=v2"
    switch instruction.kind {
    case .load:
      if instruction.isWide {
        return instruction.source == 0 ? nil : "loads a map or other data: a program sees its packet alone"
      }
      return [0x20, 0x28, 0x30, 0x40, 0x48, 0x50].contains(code)
        ? "reads the packet as socket filters do; read 'frame' of the argument instead" : unknown
    case .loadRegister, .store: return code & 0xE0 == 0x60 ? nil : unknown
    case .storeRegister:
      if code & 0xE0 == 0x60 { return nil }
      guard code == 0xC3 || code == 0xDB else { return unknown }
      return instruction.immediate == 0 ? nil : "of atomic operations addition alone is known to rte_bpf"
    case .arithmetic32, .arithmetic64: return arithmeticComplaint(of: instruction, unknown)
    case .jump:
      switch code & 0xF0 {
      case 0x00: return code == 0x05 ? nil : unknown
      case 0x40 where code == 0x45: return "tests bits of a constant, which rte_bpf compiles wrongly; mask and compare"
      case 0x10...0x70, 0xA0...0xD0: return nil
      case 0x80:
        if code == 0x85, instruction.source == 0 {
          return "calls helper \(instruction.immediate): programs call nothing"
        }
        return "calls a function: programs call nothing; have it inlined"
      case 0x90: return code == 0x95 ? nil : unknown
      default: return unknown
      }
    case .jump32: return unknown
    }
  }

  /// What rte_bpf 22.11 compiles to something else, or fails over itself, is refused with what it does not know: shifts
  /// by more than there are bits, shifts and divisions of some registers by themselves, division of the lowest number by
  /// -1. (Found by comparing its compiler with its interpreter, see docs/ebpf.md.)
  private static func arithmeticComplaint(of instruction: Instruction, _ unknown: String) -> String? {
    let is64 = instruction.kind == .arithmetic64
    let isByRegister = instruction.code & 0x08 != 0
    let number = instruction.immediate
    switch instruction.code & 0xF0 {
    case 0x30, 0x90:
      if isByRegister { return "divides by a register, which rte_bpf compiles wrongly; divide by a constant" }
      return number > 0 ? nil : "divides by \(number)"
    case 0x60, 0x70, 0xC0:
      if instruction.code == 0xC4 || instruction.code == 0xCC { return unknown }
      if isByRegister {
        return instruction.source != instruction.target
          ? nil : "shifts a register by itself, which rte_bpf compiles wrongly"
      }
      return (0..<(is64 ? 64 : 32)).contains(number) ? nil : "shifts by \(number) bits"
    case 0x80: return isByRegister ? unknown : nil
    case 0xD0:
      if is64 { return unknown }
      return isByRegister ? nil : "converts to little endian, which rte_bpf compiles wrongly; numbers have that order"
    case 0xE0, 0xF0: return unknown
    default: return nil
    }
  }

  // MARK: The whole

  /// - Returns: ways through the program, and the validator's work; both at most `UInt64.max`.
  static func judge(_ program: [Instruction], section: String) throws(HookProgramError) -> (ways: UInt64, work: UInt64)
  {
    let next = try successors(program, section: section)
    let order = try topologicalOrder(next, section: section)
    var visits = [UInt64](repeating: 0, count: program.count)
    visits[0] = 1
    var (ways, work) = (UInt64(0), UInt64(0))
    for place in order {
      let count = visits[place]
      for after in next[place] ?? [] { visits[after] = sum(visits[after], count) }
      work = sum(work, product(count, program[place].isConditional ? branchWork : 1))
      if program[place].isExit { ways = sum(ways, count) }
    }
    guard work <= mostWork else {
      let number = ways == .max ? "more than 2^64" : "\(ways)"
      throw .program(
        section: section,
        "there are \(number) ways through it, and rte_bpf walks them all: \(work == .max ? "2^64" : "\(work)") steps, "
          + "of which \(mostWork) are allowed; return early instead of joining branches")
    }
    try MemoryJudge.judge(program, next: next, order: order, section: section)
    return (ways, work)
  }

  /// Which instructions may follow each; `nil` for the second half of a 64-bit number. Checks them one by one.
  private static func successors(_ program: [Instruction], section: String) throws(HookProgramError) -> [[Int]?] {
    guard !program.isEmpty else { throw .program(section: section, "there is no instruction") }
    var next = [[Int]?](repeating: [], count: program.count)
    for (place, instruction) in program.enumerated() where next[place] != nil {
      if let complaint = complaint(of: instruction) { throw .instruction(section: section, place, complaint) }
      var after = place + 1
      if instruction.isWide {
        guard after < program.count, program[after].code == 0, program[after].registers == 0,
          program[after].offset == 0
        else { throw .instruction(section: section, place, "the second half of a 64-bit number is missing") }
        next[after] = nil
        after += 1
      }
      if instruction.isExit { continue }
      var places = [after]
      if instruction.isJump {
        let target = place + 1 + Int(instruction.offset)
        places = instruction.isConditional ? (target == after ? [after] : [after, target]) : [target]
      }
      for target in places where target < 0 || target >= program.count {
        let isFall = target == program.count && !(instruction.isJump && target != after)
        throw .instruction(
          section: section, place, isFall ? "the program goes on behind its end" : "jumps out of the program")
      }
      next[place] = places
    }
    for (place, places) in next.enumerated() {
      for target in places ?? [] where next[target] == nil {
        throw .instruction(section: section, place, "jumps into a 64-bit number")
      }
    }
    return next
  }

  /// Instructions in an order in which each comes before those that follow it; there is none when there is a loop.
  private static func topologicalOrder(_ next: [[Int]?], section: String) throws(HookProgramError) -> [Int] {
    enum Colour { case new, open, done }
    var colours = [Colour](repeating: .new, count: next.count)
    var finished: [Int] = []
    var path = [(place: 0, tried: 0)]
    colours[0] = .open
    while let (place, tried) = path.last {
      if let following = next[place], tried < following.count {
        path[path.count - 1].tried += 1
        let target = following[tried]
        switch colours[target] {
        case .new:
          colours[target] = .open
          path.append((target, 0))
        case .open: throw .instruction(section: section, place, "jumps back to \(target): loops are not allowed")
        case .done: break
        }
      } else {
        colours[place] = .done
        finished.append(place)
        path.removeLast()
      }
    }
    if let place = next.indices.first(where: { next[$0] != nil && colours[$0] == .new }) {
      throw .instruction(section: section, place, "is never reached")
    }
    return finished.reversed()
  }

  private static func sum(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let (result, isTooMuch) = a.addingReportingOverflow(b)
    return isTooMuch ? .max : result
  }
  private static func product(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let (result, isTooMuch) = a.multipliedReportingOverflow(by: b)
    return isTooMuch ? .max : result
  }
}
