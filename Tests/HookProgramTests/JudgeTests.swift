import TestSupport
import Testing

@testable import HookProgram

/// Which instructions are a program, and what it costs to load it (B5-B8: bounded load cost).
struct JudgeTests {
  private func complaint(_ program: [Instruction]) -> String? {
    do {
      _ = try Judge.judge(program, section: "s")
      return nil
    } catch { return error.description }
  }

  @Test func `jumps lead to instructions, forward or back, and never round`() {
    #expect(complaint([.exit]) == nil)
    #expect(complaint([.ifEqual(1, 0, go: 1), .exit, .exit]) == nil)
    #expect(complaint([.ifEqual(1, 0, go: 0), .exit]) == nil, "nowhere else")
    #expect(complaint([]) == "section 's': there is no instruction")
    #expect(complaint([.set(0, 1)]) == "section 's', instruction 0: the program goes on behind its end")
    #expect(complaint([.go(1), .exit]) == "section 's', instruction 0: jumps out of the program")
    #expect(complaint([.ifEqual(1, 0, go: -2), .exit]) == "section 's', instruction 0: jumps out of the program")
    #expect(complaint([.ifEqual(1, 0, go: 5), .exit]) == "section 's', instruction 0: jumps out of the program")
    #expect(complaint([.go(-1)]) == "section 's', instruction 0: jumps back to 0: loops are not allowed")
    #expect(
      complaint([.set(0, 9), .add(0, -1), .ifEqual(0, 0, go: -2), .exit])
        == "section 's', instruction 2: jumps back to 1: loops are not allowed")
    #expect(complaint([.go(1), .exit, .go(-2)]) == nil, "back, but not round")
    #expect(complaint([.exit, .exit]) == "section 's', instruction 1: is never reached")
  }

  @Test func `a 64-bit number has two halves, and nobody jumps between them`() {
    let wide = Instruction(0x18, target: 2, immediate: 7)
    let half = Instruction(0, immediate: 1)
    #expect(complaint([wide, half, .exit]) == nil)
    #expect(complaint([wide]) == "section 's', instruction 0: the second half of a 64-bit number is missing")
    #expect(complaint([wide, .exit]) == "section 's', instruction 0: the second half of a 64-bit number is missing")
    #expect(
      complaint([.ifEqual(1, 0, go: 1), wide, half, .exit])
        == "section 's', instruction 0: jumps into a 64-bit number")
    #expect(
      complaint([Instruction(0x18, target: 2, source: 1), half, .exit])
        == "section 's', instruction 0: loads a map or other data: a program sees its packet alone")
  }

  @Test func `calls and what rte_bpf does not know are named`() {
    func only(_ instruction: Instruction) -> String? {
      complaint([instruction, .exit])?.replacing("section 's', instruction 0: ", with: "")
    }
    #expect(only(Instruction(0x85, immediate: 1)) == "calls helper 1: programs call nothing")
    #expect(only(Instruction(0x85, source: 1)) == "calls a function: programs call nothing; have it inlined")
    #expect(only(Instruction(0x16)) == "operation 0x16 is not known to rte_bpf; compile with -mcpu=v2", "32-bit jump")
    #expect(only(Instruction(0xC4))?.contains("-mcpu=v2") == true, "32-bit arithmetic shift")
    #expect(only(Instruction(0xD7))?.contains("-mcpu=v2") == true, "unconditional byte swap")
    #expect(only(Instruction(0x28)) == "reads the packet as socket filters do; read 'frame' of the argument instead")
    #expect(only(Instruction(0xDB, target: 1)) == nil, "atomic addition")
    #expect(only(Instruction(0xDB, immediate: 0xE1)) == "of atomic operations addition alone is known to rte_bpf")
    // The v2 set: 27 operations of 64 bits by 2 sources, and so on.
    let known = (0...255 as ClosedRange<UInt8>).filter { code in
      guard code != 0x18 else { return true }
      let text = complaint([Instruction(code), .exit, .exit])
      return text?.contains("not known") != true && text?.contains("socket filters") != true
        && text?.contains("calls") != true
    }
    // 11 or 12 binary operations twice, negation, swaps; loads and stores of 4 sizes, 2 atomic, jumps, exit, one number.
    #expect(known.count == (11 * 2 + 1 + 2) + (12 * 2 + 1) + 4 + 4 + 4 + 2 + (1 + 11 * 2) + 1 + 1)
  }

  @Test func `what rte_bpf would compile wrongly is refused`() {
    func only(_ code: UInt8, _ target: UInt8 = 2, _ source: UInt8 = 0, _ number: Int32 = 0) -> String? {
      complaint([Instruction(code, target: target, source: source, immediate: number), .exit])?
        .replacing("section 's', instruction 0: ", with: "")
    }
    for code in [0x37, 0x97, 0x34, 0x94] as [UInt8] {
      #expect(only(code, 2, 0, 3) == nil)
      #expect(only(code, 2, 0, 0) == "divides by 0")
      #expect(only(code, 2, 0, -1) == "divides by -1")
      #expect(only(code | 8, 2, 3) == "divides by a register, which rte_bpf compiles wrongly; divide by a constant")
    }
    for code in [0x67, 0x77, 0xC7, 0x64, 0x74] as [UInt8] {
      let bits: Int32 = code & 7 == 7 ? 64 : 32
      #expect(only(code, 2, 0, 0) == nil)
      #expect(only(code, 2, 0, bits - 1) == nil)
      #expect(only(code, 2, 0, bits) == "shifts by \(bits) bits")
      #expect(only(code, 2, 0, -1) == "shifts by -1 bits")
      #expect(only(code | 8, 2, 3) == nil)
      #expect(only(code | 8, 3, 3) == "shifts a register by itself, which rte_bpf compiles wrongly")
    }
    #expect(only(0xDC, 2, 0, 16) == nil, "to network order")
    #expect(only(0x45, 2, 0, 8) == "tests bits of a constant, which rte_bpf compiles wrongly; mask and compare")
    #expect(
      only(0xD4, 2, 0, 16)
        == "converts to little endian, which rte_bpf compiles wrongly; numbers have that order")
  }

  @Test func `too many instructions and too many ways are refused with their number`() {
    let longest = Array(repeating: Instruction.add(0, 1), count: 4095) + [.exit]
    #expect(throws: Never.self) { try HookProgram(longest, section: "s") }
    #expect(throws: HookProgramError.program(section: "s", "4097 instructions are more than 4096")) {
      try HookProgram([.add(0, 1)] + longest, section: "s")
    }
    #expect(complaint(Instruction.diamonds(16)) == nil)
    #expect(
      complaint(Instruction.diamonds(24))
        == "section 's': there are 16777216 ways through it, and rte_bpf walks them all: 301989873 steps, of which "
        + "2000000 are allowed; return early instead of joining branches")
    #expect(complaint(Instruction.diamonds(64))?.contains("there are more than 2^64 ways through it") == true)
    #expect(complaint(Instruction.diamonds(2000))?.contains("2^64 steps") == true)
  }

  @Test func `ways and work are those of a walk along every way`() throws {
    var chance = SeededGenerator.forThisRun()
    var judged = 0
    for _ in 0..<3000 {
      let program = Self.random(Int.random(in: 1...14, using: &chance), &chance)
      guard let verdict = try? Judge.judge(program, section: "s") else { continue }
      judged += 1
      var (ways, work) = (UInt64(0), UInt64(0))
      Self.walk(program, from: 0, &ways, &work)
      #expect(verdict == (ways, work), "\(program)")
    }
    #expect(judged > 300)
  }

  /// Any order of jumps, mostly forward.
  private static func random(_ count: Int, _ chance: inout SeededGenerator) -> [Instruction] {
    (0..<count).map { place in
      let offset = Int16.random(
        in: (place % 5 == 0 ? -2 : 0)...Int16(max(0, min(4, count - place - 2))), using: &chance)
      switch Int.random(in: 0..<10, using: &chance) {
      case 0..<4 where place < count - 1: return .ifEqual(2, 1, go: offset)
      case 4 where place < count - 1: return .go(offset)
      case 5...8 where place < count - 1: return .add(0, 1)
      default: return .exit
      }
    }
  }

  private static func walk(_ program: [Instruction], from start: Int, _ ways: inout UInt64, _ work: inout UInt64) {
    let instruction = program[start]
    work += instruction.isConditional ? Judge.branchWork : 1
    if instruction.isExit {
      ways += 1
      return
    }
    var next = instruction.code == 0x05 ? [] : [start + 1]
    if instruction.isJump { next.append(start + 1 + Int(instruction.offset)) }
    for place in Set(next) { walk(program, from: place, &ways, &work) }
  }
}
