import TestSupport
import Testing

@testable import HookProgram

/// A program that is arranged for the loader is the same program, and wrong machine code is known (B5-B8).
struct ArrangedTests {
  @Test func `a program without branches stays as it is, with its exit behind a jump to it`() throws {
    let arranged = ArrangedProgram(try HookProgram([.set(0, 1), .exit], section: "s"))
    #expect(arranged.instructions == [.set(0, 1), .go(0), .exit])
    #expect(arranged.targets == [0])
  }

  @Test func `exits become one, and targets follow jumps`() throws {
    let program = try HookProgram(
      [.load(2, at: 0), .set(0, 1), .ifEqual(2, 1, go: 2), .set(0, 0), .exit, .add(0, 1), .exit], section: "s")
    let arranged = ArrangedProgram(program)
    #expect(
      arranged.instructions
        == [
          .load(2, at: 0), .set(0, 1), .ifEqual(2, 1, go: 2), .set(0, 0), .go(2), .add(0, 1), .go(0), .exit,
        ])
    #expect(arranged.targets == [1, 2, 2])
  }

  @Test func `arranged in whatever way it does the same`() throws {
    var chance = SeededGenerator.forThisRun()
    var judged = 0
    for _ in 0..<4000 {
      let program = Self.random(Int.random(in: 1...30, using: &chance), &chance)
      guard let judgedProgram = try? HookProgram(program, section: "s") else { continue }
      judged += 1
      let inputs = (0..<4).map { _ in Int64.random(in: 0...3, using: &chance) }
      let expected = inputs.map { Self.run(program, $0) }
      for way in 0..<ArrangedProgram.ways {
        let arranged = ArrangedProgram(judgedProgram, way: way)
        #expect(inputs.map { Self.run(arranged.instructions, $0) } == expected, "\(program)")
        #expect(throws: Never.self) { try Judge.judge(arranged.instructions, section: "s") }
        #expect(arranged.instructions.filter(\.isJump).count == arranged.targets.count)
        #expect(arranged.instructions.filter(\.isExit).count == 1)
      }
    }
    #expect(judged > 200)
  }

  /// Numbers, sums, tests and jumps, most of them forward.
  private static func random(_ count: Int, _ chance: inout SeededGenerator) -> [Instruction] {
    var program = (0..<count).map { place -> Instruction in
      let offset = Int16.random(
        in: (place % 9 == 8 ? -4 : 0)...Int16(max(0, min(6, count - place - 1))), using: &chance)
      switch Int.random(in: 0..<12, using: &chance) {
      case 0..<4: return .ifEqual(2, Int32.random(in: 0...3, using: &chance), go: offset)
      case 4: return .go(offset)
      case 5: return .exit
      case 6: return .set(2, Int32.random(in: 0...3, using: &chance))
      default: return .add(0, Int32(place + 1))
      }
    }
    if Bool.random(using: &chance) {
      program.insert(contentsOf: [Instruction(0x18, target: 3, immediate: 5), Instruction(0)], at: 0)
    }
    return program + [.exit]
  }

  /// Register 2 holds the input.
  private static func run(_ program: [Instruction], _ input: Int64) -> Int64 {
    var registers: [Int64] = [0, 0, input, 0]
    var place = 0
    while true {
      let instruction = program[place]
      place += 1
      switch instruction.code {
      case 0x95: return registers[0]
      case 0x05: place += Int(instruction.offset)
      case 0x15:
        if registers[Int(instruction.target)] == Int64(instruction.immediate) { place += Int(instruction.offset) }
      case 0xB7: registers[Int(instruction.target)] = Int64(instruction.immediate)
      case 0x07: registers[Int(instruction.target)] += Int64(instruction.immediate)
      case 0x18: place += 1
      default: Issue.record("\(instruction)")
      }
    }
  }

  // MARK: Machine code

  @Test func `machine instructions are as long as the manual says`() {
    let lengths: [(bytes: [UInt8], length: Int)] = [
      ([0x48, 0x83, 0xEC, 0x20], 4), ([0x48, 0x89, 0x5C, 0x24, 0x00], 5), ([0x49, 0x89, 0xFF], 3),
      ([0x49, 0x8B, 0x87, 0xF0, 0, 0, 0], 7), ([0x49, 0x0F, 0xB6, 0x57, 0x61], 5), ([0x44, 0x09, 0xC3], 3),
      ([0xF0, 0x45, 0x01, 0xAF, 0xDC, 0, 0, 0], 8), ([0x66, 0x41, 0xC7, 0x47, 0x54, 0x32, 0x69], 7),
      ([0x41, 0xC6, 0x87, 0xC4, 0, 0, 0, 0xCB], 8), ([0x49, 0xC7, 0xC1, 1, 0, 0, 0], 7), ([0x0F, 0xC9], 2),
      ([0x66, 0x41, 0xC1, 0xC8, 0x08], 5), ([0x41, 0xF7, 0xF1], 3), ([0x48, 0xF7, 0xC0, 1, 0, 0, 0], 7),
      ([0x48, 0xB8, 1, 2, 3, 4, 5, 6, 7, 8], 10), ([0xB8, 1, 2, 3, 4], 5), ([0x8B, 0x04, 0x25, 1, 2, 3, 4], 7),
      ([0x8B, 0x05, 1, 2, 3, 4], 6), ([0xC3], 1), ([0x74, 0x10], 2), ([0x0F, 0x84, 1, 0, 0, 0], 6), ([0xEB, 0xFE], 2),
    ]
    for (bytes, length) in lengths {
      #expect(MachineInstruction(bytes + [0x90], at: 0)?.end == length, "\(bytes)")
      for end in 0..<length { #expect(MachineInstruction(Array(bytes[..<end]), at: 0) == nil, "\(bytes)") }
    }
    #expect(MachineInstruction([0x0F, 0x84, 0xFE, 0xFF, 0xFF, 0xFF], at: 0)?.jump == -2)
    #expect(MachineInstruction([0x74, 0x80], at: 0)?.jump == -128)
    for unknown in [[0x90], [0xE8, 0, 0, 0, 0], [0xFF, 0xE0], [0x0F, 0x05], [0xCC], []] as [[UInt8]] {
      #expect(MachineInstruction(unknown, at: 0) == nil)
    }
  }

  @Test func `a jump that leads elsewhere is seen`() throws {
    let program = try HookProgram(
      [.load(2, at: 0), .set(0, 1), .ifEqual(2, 1, go: 1), .add(0, 1), .exit], section: "s")
    let arranged = ArrangedProgram(program)
    // mov, mov, cmp, je +6, add, jmp +0, ret
    let code: [UInt8] = [
      0x8B, 0x17, 0xB8, 1, 0, 0, 0, 0x48, 0x83, 0xFA, 1, 0x74, 6, 0x48, 0x83, 0xC0, 1, 0xEB, 0, 0xC3,
    ]
    #expect(arranged.matches(code))
    for place in [12, 18] {
      for distance in UInt8.min ... .max where distance != code[place] {
        var wrong = code
        wrong[place] = distance
        #expect(!arranged.matches(wrong))
      }
    }
    for end in 0..<code.count { #expect(!arranged.matches(Array(code[..<end]))) }
    #expect(!arranged.matches(code + [0xC3]))
    #expect(!arranged.matches([0xEB, 0] + code), "a jump too many")
  }

  @Test func `any bytes are machine code or not`() {
    var chance = SeededGenerator.forThisRun()
    for _ in 0..<50_000 {
      let bytes = chance.bytes(Int.random(in: 0...16, using: &chance))
      if let instruction = MachineInstruction(bytes, at: 0) { #expect((1...bytes.count).contains(instruction.end)) }
    }
  }
}
