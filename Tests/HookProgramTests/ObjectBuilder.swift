import HookProgram

/// Object files for eBPF, written by hand.
struct ObjectBuilder {
  struct Section {
    var name: String
    var type: UInt32 = 1
    var flags: UInt64 = 6
    var bytes: [UInt8] = []
    var link: UInt32 = 0
    var info: UInt32 = 0
  }
  struct Symbol {
    var name: String
    var kind: UInt8
    var section: UInt16
  }

  /// From section one on.
  var sections: [Section] = [Section(name: ".text")]
  var symbols: [Symbol] = []
  var machine: UInt16 = 247
  /// By section: place, symbol from one on, kind.
  private var relocations: [(section: Int, offset: UInt64, symbol: Int, kind: UInt32)] = []

  /// - Returns: the section's number.
  @discardableResult
  mutating func add(program: [Instruction], in section: String, function: String? = nil) -> Int {
    sections.append(Section(name: section, bytes: program.flatMap(Self.bytes)))
    if let function { symbols.append(Symbol(name: function, kind: 2, section: UInt16(sections.count))) }
    return sections.count
  }

  mutating func relocate(_ section: Int, instruction: Int, to symbol: Symbol, kind: UInt32) {
    symbols.append(symbol)
    relocations.append((section, UInt64(instruction * 8), symbols.count, kind))
  }

  func build() -> [UInt8] {
    var sections = sections
    var names: [UInt8] = [0]
    func place(_ name: String) -> UInt32 {
      defer { names += Array(name.utf8) + [0] }
      return UInt32(names.count)
    }
    var table = [UInt8](repeating: 0, count: 24)
    for symbol in symbols {
      table += Self.little(place(symbol.name)) + [symbol.kind, 0] + Self.little(symbol.section)
      table += [UInt8](repeating: 0, count: 16)
    }
    let symbolTable = UInt32(sections.count + 1)
    sections.append(Section(name: ".symtab", type: 2, flags: 0, bytes: table, link: symbolTable + 1))
    sections.append(Section(name: ".strtab", type: 3, flags: 0))
    for relocation in relocations {
      let info = UInt64(relocation.symbol) << 32 | UInt64(relocation.kind)
      sections.append(
        Section(
          name: ".rel", type: 9, flags: 0, bytes: Self.little(relocation.offset) + Self.little(info),
          link: symbolTable, info: UInt32(relocation.section)))
    }
    let starts = sections.map { place($0.name) }
    sections[Int(symbolTable)].bytes = names

    var body: [UInt8] = []
    var headers = [UInt8](repeating: 0, count: 64)
    for (section, name) in zip(sections, starts) {
      headers += Self.little(name) + Self.little(section.type) + Self.little(section.flags) + Self.little(UInt64(0))
      headers += Self.little(UInt64(64 + body.count)) + Self.little(UInt64(section.bytes.count))
      headers += Self.little(section.link) + Self.little(section.info) + Self.little(UInt64(8)) + Self.little(UInt64(0))
      body += section.bytes
    }
    var file: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
    file += Self.little(UInt16(1)) + Self.little(machine) + Self.little(UInt32(1))
    file += Self.little(UInt64(0)) + Self.little(UInt64(0)) + Self.little(UInt64(64 + body.count))
    file += Self.little(UInt32(0)) + Self.little(UInt16(64)) + Self.little(UInt16(0)) + Self.little(UInt16(0))
    file += Self.little(UInt16(64)) + Self.little(UInt16(sections.count + 1)) + Self.little(UInt16(symbolTable + 1))
    return file + body + headers
  }

  static func bytes(_ instruction: Instruction) -> [UInt8] {
    [instruction.code, instruction.registers] + little(UInt16(bitPattern: instruction.offset))
      + little(UInt32(bitPattern: instruction.immediate))
  }

  private static func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    (0..<(Number.bitWidth / 8)).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }
}

extension Instruction {
  static let exit = Instruction(0x95)
  static func set(_ register: UInt8, _ number: Int32) -> Instruction {
    Instruction(0xB7, target: register, immediate: number)
  }
  static func add(_ register: UInt8, _ number: Int32) -> Instruction {
    Instruction(0x07, target: register, immediate: number)
  }
  static func load(_ register: UInt8, at offset: Int16) -> Instruction {
    Instruction(0x61, target: register, source: 1, offset: offset)
  }
  static func go(_ offset: Int16) -> Instruction { Instruction(0x05, offset: offset) }
  static func ifEqual(_ register: UInt8, _ number: Int32, go offset: Int16) -> Instruction {
    Instruction(0x15, target: register, offset: offset, immediate: number)
  }

  /// Branches that come together again, so many one after the other; twice the ways with each.
  static func diamonds(_ count: Int) -> [Instruction] {
    [set(0, 1), load(2, at: 0)] + (0..<count).flatMap { [ifEqual(2, Int32($0), go: 1), add(0, 1)] } + [exit]
  }
}
