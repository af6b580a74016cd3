import TestSupport
import Testing

@testable import HookProgram

/// What is read of an object file, and what is not taken (B5-B8: programs that users bring).
struct ObjectTests {
  private func object(_ change: (inout ObjectBuilder) -> Void = { _ in }) -> [UInt8] {
    var builder = ObjectBuilder()
    change(&builder)
    return builder.build()
  }
  private let accept: [Instruction] = [.set(0, 1), .exit]

  /// The error's text.
  private func complaint(_ bytes: [UInt8], section: String? = nil) -> String {
    do {
      let program = try HookProgram(bytes, section: section)
      return "taken: \(program)"
    } catch { return error.description }
  }

  @Test func `a program is found, whole and by name`() throws {
    let bytes = object {
      $0.add(program: accept, in: "filter", function: "main")
      $0.sections.append(.init(name: ".rodata", flags: 2, bytes: [1, 2, 3]))
    }
    let program = try HookProgram(bytes)
    #expect(program.instructions == accept)
    #expect((program.section, program.function) == ("filter", "main"))
    #expect((program.ways, program.work) == (1, 2))
    #expect(try HookProgram(bytes, section: "filter") == program)
    #expect(complaint(bytes, section: "other").hasSuffix("no section 'other' holds a program; there are 'filter'"))
    #expect(complaint(bytes, section: ".rodata").contains("no section '.rodata' holds a program"))
  }

  @Test func `of several programs one is named`() throws {
    let drop: [Instruction] = [.set(0, 0), .exit]
    let bytes = object {
      $0.add(program: accept, in: "one")
      $0.add(program: drop, in: "two")
    }
    #expect(complaint(bytes).hasSuffix("several sections hold programs: 'one', 'two'; name one of them"))
    #expect(try HookProgram(bytes, section: "two").instructions == drop)
    #expect(complaint(object()).hasSuffix("it holds no program"))
  }

  @Test func `maps, data and functions elsewhere are refused by section and symbol`() {
    let wide = [Instruction(0x18, target: 1), Instruction(0)]
    let withMap = object {
      let program = $0.add(program: accept.dropLast() + wide + [.exit], in: "filter", function: "main")
      $0.sections.append(.init(name: ".maps", flags: 3, bytes: Array(repeating: 0, count: 32)))
      let maps = UInt16($0.sections.count)
      $0.relocate(program, instruction: 1, to: .init(name: "counts", kind: 1, section: maps), kind: 1)
    }
    #expect(
      complaint(withMap)
        == "section 'filter', instruction 1: refers to 'counts' in section '.maps': maps and other data are not "
        + "supported, a program sees its packet alone")
    let withSection = object {
      let program = $0.add(program: accept.dropLast() + wide + [.exit], in: "filter")
      $0.sections.append(.init(name: ".rodata", flags: 2, bytes: [1]))
      $0.relocate(program, instruction: 1, to: .init(name: "", kind: 3, section: UInt16($0.sections.count)), kind: 1)
    }
    #expect(complaint(withSection).contains("refers to '.rodata' in section '.rodata'"))
    let withCall = object {
      let program = $0.add(program: [Instruction(0x85, source: 1, immediate: -1), .exit], in: "filter")
      $0.relocate(program, instruction: 0, to: .init(name: "helper", kind: 0, section: 0), kind: 10)
    }
    #expect(complaint(withCall) == "section 'filter', instruction 0: calls 'helper': programs call nothing")
    let elsewhere = object {
      $0.add(program: accept, in: "filter")
      $0.sections.append(.init(name: ".BTF", flags: 0, bytes: [1]))
      $0.relocate($0.sections.count, instruction: 0, to: .init(name: "x", kind: 1, section: 1), kind: 1)
    }
    #expect(complaint(elsewhere).hasPrefix("taken"), "what debugging information refers to is its business")
    let two = object {
      $0.add(program: accept, in: "filter", function: "main")
      $0.symbols.append(.init(name: "other", kind: 2, section: 2))
    }
    #expect(complaint(two).contains("holds 2 functions ('main', 'other')"))
  }

  @Test func `what is no object for eBPF is said to be none`() {
    #expect(complaint([]).hasSuffix("it does not begin as an ELF file"))
    #expect(complaint([0x7F, 0x45, 0x4C, 0x46, 2]).hasSuffix("it ends within its header"))
    let x86 = object {
      $0.machine = 62
      $0.add(program: accept, in: "filter")
    }
    #expect(complaint(x86).hasSuffix("it is for machine 62, not for eBPF (247)"))
    var narrow = object()
    narrow[4] = 1
    #expect(complaint(narrow).hasSuffix("it is not 64 bits and little endian"))
    let odd = object { $0.sections[0].bytes = [1, 2, 3] }
    #expect(complaint(odd) == "section '.text': 3 bytes are no whole number of instructions")
  }

  // MARK: Any bytes

  private var rich: [UInt8] {
    object {
      let wide = [Instruction(0x18, target: 1), Instruction(0)]
      let program = $0.add(program: Instruction.diamonds(4), in: "filter", function: "main")
      let other = $0.add(program: wide + accept, in: "other", function: "second")
      $0.relocate(other, instruction: 0, to: .init(name: "counts", kind: 1, section: UInt16(program)), kind: 1)
    }
  }

  @Test func `every prefix of an object is refused`() throws {
    let bytes = rich
    _ = try HookProgram(bytes, section: "filter")
    for end in 0..<bytes.count {
      let prefix = Array(bytes[..<end])
      #expect(throws: HookProgramError.self) { try HookProgram(prefix, section: "filter") }
    }
  }

  @Test func `changed bytes give a program within the bounds, or an error`() throws {
    var chance = SeededGenerator.forThisRun()
    let good = rich
    var taken = 0
    for _ in 0..<6000 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...4, using: &chance) {
        let place = Int.random(in: 0..<bytes.count, using: &chance)
        bytes[place] = [0, 1, 0x7F, 0x80, 0xFF, UInt8.random(in: 0...255, using: &chance)].randomElement(
          using: &chance)!
      }
      if let program = try? HookProgram(bytes, section: Bool.random(using: &chance) ? "filter" : "other") {
        taken += 1
        #expect(program.work <= Judge.mostWork)
        #expect(!program.instructions.isEmpty && program.instructions.count <= Judge.mostInstructions)
      }
    }
    #expect(taken > 0 && taken < 6000)
  }

  @Test func `any number in a header may be anything`() {
    let good = rich
    let table = good.count - 64 * 9
    // All of the header's and of the sections' fields, with numbers that make sums overflow.
    for place in Array(0..<64) + Array(table..<good.count) {
      for width in [1, 2, 4, 8] where place + width <= good.count {
        for number in [UInt64(0), 1, 0x7FFF_FFFF_FFFF_FFFF, .max, .max - 7, UInt64(good.count), UInt64(good.count - 1)]
        {
          var bytes = good
          for i in 0..<width { bytes[place + i] = UInt8(truncatingIfNeeded: number >> (8 * UInt64(i))) }
          _ = try? HookProgram(bytes, section: "filter")
          _ = try? HookProgram(bytes, section: "other")
        }
      }
    }
  }
}
