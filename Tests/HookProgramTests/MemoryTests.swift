import TestSupport
import Testing

@testable import HookProgram

/// A program touches its packet and its stack, and nothing else (B5-B8).
struct MemoryTests {
  private func complaint(_ program: [Instruction]) -> String? {
    do {
      _ = try HookProgram(program + [.set(0, 1), .exit], section: "s")
      return nil
    } catch { return error.description.replacing("section 's', ", with: "") }
  }

  private func load(_ target: UInt8, _ base: UInt8, _ offset: Int16, size: UInt8 = 0x71) -> Instruction {
    Instruction(size, target: target, source: base, offset: offset)
  }
  private func add(_ target: UInt8, _ source: UInt8) -> Instruction {
    Instruction(0x0F, target: target, source: source)
  }
  private let loose = "through a number, or a pointer that was moved by one without a bound; mask or compare it before"

  @Test func `the packet has 256 bytes, and the stack 512`() {
    #expect(complaint([load(2, 1, 255)]) == nil)
    #expect(
      complaint([load(2, 1, 256)]) == "instruction 0: reads bytes 256 to 256 of the packet's 256, or some of them")
    #expect(
      complaint([load(2, 1, 249, size: 0x79)])
        == "instruction 0: reads bytes 249 to 256 of the packet's 256, or some of them")
    #expect(complaint([load(2, 1, -1)])?.contains("reads bytes -1 to -1") == true)
    #expect(complaint([Instruction(0x72, target: 1, offset: 256)])?.contains("writes bytes 256") == true)
    #expect(complaint([load(2, 10, -512)]) == nil)
    #expect(complaint([load(2, 10, -513)]) == "instruction 0: reads bytes -513 to -513 of a stack that has -512 to -1")
    #expect(complaint([load(2, 10, -7, size: 0x79)])?.contains("reads bytes -7 to 0 of a stack") == true)
    #expect(complaint([load(2, 3, 0)]) == "instruction 0: reads \(loose)")
  }

  @Test func `a masked or compared number moves a pointer; what it was made from does not`() {
    let index = load(2, 1, 4, size: 0x79)
    let mask = Instruction(0x57, target: 2, immediate: 127)
    #expect(complaint([index, mask, add(1, 2), load(3, 1, 128)]) == nil)
    #expect(complaint([index, mask, add(2, 1), load(3, 2, 128)]) == nil, "the other way round")
    #expect(complaint([index, mask, add(1, 2), load(3, 1, 129)])?.contains("reads bytes 129 to 256") == true)
    #expect(complaint([index, add(1, 2), load(3, 1, 0)]) == "instruction 2: reads \(loose)")
    // if r2 > 100, leave; or go on when r2 < 101.
    #expect(
      complaint([index, Instruction(0x25, target: 2, offset: 2, immediate: 100), add(1, 2), load(3, 1, 155)]) == nil)
    #expect(
      complaint([index, Instruction(0x25, target: 2, offset: 2, immediate: 100), add(1, 2), load(3, 1, 156)]) != nil)
    #expect(
      complaint([index, Instruction(0xA5, target: 2, offset: 1, immediate: 101), .go(2), add(1, 2), load(3, 1, 155)])
        == nil)
    // A signed comparison says nothing of negative numbers.
    #expect(
      complaint([index, Instruction(0x65, target: 2, offset: 2, immediate: 100), add(1, 2), load(3, 1, 0)]) != nil)
    // What rte_bpf 22.11 takes: a product, a negative number, a shifted one.
    for wrong in [
      Instruction(0x2F, target: 2, source: 2), Instruction(0x87, target: 2), Instruction(0xC7, target: 2, immediate: 9),
    ] {
      #expect(complaint([index, wrong, add(1, 2), load(3, 1, 28)])?.hasSuffix(loose) == true)
    }
  }

  @Test func `where ways meet the wider bound holds, and a pointer on the stack is one still`() {
    let index = load(2, 1, 4, size: 0x79)
    let meeting = [
      index, .ifEqual(5, 5, go: 2), Instruction(0x57, target: 2, immediate: 7), .go(1),
      Instruction(0x57, target: 2, immediate: 200),
    ]
    #expect(complaint(meeting + [add(1, 2), load(3, 1, 55)]) == nil)
    #expect(complaint(meeting + [add(1, 2), load(3, 1, 56)])?.contains("reads bytes 56 to 256") == true)
    let saved = [
      Instruction(0x7B, target: 10, source: 1, offset: -16), .set(1, 0), load(4, 10, -16, size: 0x79), load(3, 4, 255),
    ]
    #expect(complaint(saved) == nil)
    #expect(
      complaint(
        saved.dropLast(2) + [Instruction(0x72, target: 10, offset: -12), load(4, 10, -16, size: 0x79), load(3, 4, 0)])
        != nil, "a byte of it was written over")
  }

  @Test func `whatever is taken stays within its bounds, on any packet`() {
    var chance = SeededGenerator.forThisRun()
    var (taken, moved) = (0, 0)
    for _ in 0..<6000 {
      let program = Self.random(&chance)
      guard (try? HookProgram(program, section: "s")) != nil else { continue }
      taken += 1
      if program.contains(where: { $0.code == 0x0F }) { moved += 1 }
      for _ in 0..<8 {
        let bytes = chance.bytes(256).map { [0, 0x7F, 0x80, 0xFF, $0, $0, $0, $0].randomElement(using: &chance)! }
        var machine = Machine(packet: bytes)
        machine.run(program)
        #expect(machine.violation == nil, "\(program)")
      }
    }
    #expect(taken > 500 && moved > 50)
  }

  /// Numbers out of the packet, operations and comparisons of them, and pointers moved by them.
  private static func random(_ chance: inout SeededGenerator) -> [Instruction] {
    func any<Element>(_ elements: [Element]) -> Element { elements.randomElement(using: &chance)! }
    var program: [Instruction] = [Instruction(0xBF, target: 9, source: 1), Instruction(0xBF, target: 8, source: 1)]
    for register in 2...5 as ClosedRange<UInt8> {
      program.append(
        Instruction(any([0x79, 0x71, 0x61, 0x69]), target: register, source: 9, offset: any([0, 8, 77, 240])))
    }
    let count = Int.random(in: 2...12, using: &chance)
    for place in 0..<count {
      let (a, b) = (UInt8.random(in: 2...5, using: &chance), UInt8.random(in: 2...5, using: &chance))
      let byRegister: UInt8 = any([0, 0, 8])
      let number = any([Int32.random(in: 0...40, using: &chance), Int32(truncatingIfNeeded: chance.next())])
      let forward = Int16.random(in: 0...Int16(count - place - 1), using: &chance)
      switch Int.random(in: 0..<9, using: &chance) {
      case 0...2:
        let code: UInt8 = any([
          0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x50, 0x50, 0x60, 0x70, 0x70, 0x80, 0x90, 0xA0, 0xB0, 0xC0,
        ])
        program.append(
          Instruction(
            code | byRegister | any([7, 7, 4]), target: a, source: byRegister == 0 ? 0 : b,
            immediate: byRegister == 0 ? number : 0))
      case 3...4:
        let code: UInt8 = any([0x15, 0x25, 0x35, 0x55, 0x65, 0x75, 0xA5, 0xB5, 0xC5, 0xD5])
        program.append(
          Instruction(
            code | byRegister, target: a, source: byRegister == 0 ? 0 : b, offset: forward,
            immediate: byRegister == 0 ? number : 0))
      case 5: program.append(Instruction(0x0F, target: 8, source: a))
      case 6:
        program.append(Instruction(any([0x71, 0x69, 0x79]), target: 6, source: 8, offset: any([0, 100, 200, -3])))
      case 7: program.append(Instruction(any([0x73, 0x7B, 0xC3]), target: 8, source: 2, offset: any([0, 100, 200])))
      default:
        let save = Bool.random(using: &chance)
        program.append(
          save
            ? Instruction(any([0x7B, 0x73]), target: 10, source: any([8, a]), offset: any([-8, -16, -11]))
            : Instruction(0x79, target: any([8, a]), source: 10, offset: any([-8, -16])))
      }
    }
    return program + [Instruction(0x71, target: 6, source: 8, offset: any([0, 100])), .set(0, 1), .exit]
  }
}
