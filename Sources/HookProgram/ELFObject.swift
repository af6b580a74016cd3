/// An object file for eBPF: ELF, 64 bits, little endian (System V ABI). Every number in it is doubted.
struct ELFObject {
  struct Section: Equatable {
    var name: String
    var type: UInt32
    var flags: UInt64
    /// Its bytes in the file.
    var range: Range<Int>
    var link: Int
    var info: Int

    static let bits: UInt32 = 1
    static let symbols: UInt32 = 2
    static let relocationsWithAddend: UInt32 = 4
    static let nothing: UInt32 = 8
    static let relocations: UInt32 = 9
    static let executable: UInt64 = 4

    var holdsProgram: Bool { type == Self.bits && flags & Self.executable != 0 && !range.isEmpty }
  }

  /// What a section's bytes need from elsewhere.
  struct Reference: Equatable {
    /// Of the place in the section.
    var offset: UInt64
    var symbol: String
    /// The section in which the symbol lies, if in any.
    var place: String?
    var isCall: Bool
  }

  private struct Symbol {
    var name: String
    var kind: UInt8
    var section: Int

    static let function: UInt8 = 2
    static let sectionItself: UInt8 = 3
  }

  /// Longer files and more sections are no program for a hook.
  static let mostBytes = 16 << 20
  static let mostSections = 4096

  private let file: [UInt8]
  private(set) var sections: [Section] = []

  // MARK: Reading

  init(_ file: [UInt8]) throws(HookProgramError) {
    self.file = file
    guard file.count <= Self.mostBytes else { throw .object("it is longer than \(Self.mostBytes) bytes") }
    guard file.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else { throw .object("it does not begin as an ELF file") }
    guard file.count >= 64 else { throw .object("it ends within its header") }
    guard file[4] == 2, file[5] == 1, file[6] == 1 else { throw .object("it is not 64 bits and little endian") }
    let machine = try number(at: 18, UInt16.self)
    guard machine == 247 else { throw .object("it is for machine \(machine), not for eBPF (247)") }
    let table = try number(at: 40, UInt64.self)
    let count = try Int(number(at: 60, UInt16.self))
    let namesAt = try Int(number(at: 62, UInt16.self))
    guard try number(at: 58, UInt16.self) == 64, count > 0 else { throw .object("it has no sections") }
    guard count <= Self.mostSections else { throw .object("it has \(count) sections") }
    guard table <= UInt64(file.count), count * 64 <= file.count - Int(table) else {
      throw .object("its table of sections lies outside of it")
    }
    for i in 0..<count { sections.append(try section(at: Int(table) + i * 64, i)) }
    guard namesAt < count else { throw .object("its sections have no names") }
    for i in 0..<count {
      let name = try number(at: Int(table) + i * 64, UInt32.self)
      sections[i].name = try text(at: Int(name), in: namesAt)
    }
  }

  private func section(at header: Int, _ index: Int) throws(HookProgramError) -> Section {
    let type = try number(at: header + 4, UInt32.self)
    let (offset, size) = (try number(at: header + 24, UInt64.self), try number(at: header + 32, UInt64.self))
    var range = 0..<0
    // Section zero is none, and some occupy no bytes.
    if index > 0, type != 0, type != Section.nothing {
      guard offset <= UInt64(file.count), size <= UInt64(file.count) - offset else {
        throw .object("section \(index) lies outside of it")
      }
      range = Int(offset)..<Int(offset + size)
    }
    return Section(
      name: "", type: type, flags: try number(at: header + 8, UInt64.self), range: range,
      link: Int(try number(at: header + 40, UInt32.self)), info: Int(try number(at: header + 44, UInt32.self)))
  }

  /// A number in little endian order.
  private func number<Number: FixedWidthInteger>(at offset: Int, _: Number.Type) throws(HookProgramError) -> Number {
    let size = Number.bitWidth / 8
    guard offset >= 0, offset <= file.count - size else { throw .object("it ends too early") }
    return (0..<size).reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: file[offset + $1]) }
  }

  /// Text up to a zero byte.
  private func text(at offset: Int, in section: Int) throws(HookProgramError) -> String {
    guard section < sections.count, offset < sections[section].range.count else {
      throw .object("a name lies outside of its section")
    }
    let range = sections[section].range
    let bytes = file[(range.lowerBound + offset)..<range.upperBound].prefix(256)
    guard let end = bytes.firstIndex(of: 0) else { throw .object("a name has no end") }
    // It will be shown.
    return String(decoding: bytes[..<end].map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
  }

  // MARK: What it holds

  func bytes(of section: Int) -> ArraySlice<UInt8> { file[sections[section].range] }

  /// The section of the program: the one of that name, or the only one that holds one.
  func program(named name: String?) throws(HookProgramError) -> Int {
    let programs = sections.indices.filter { sections[$0].holdsProgram }
    let names = programs.map { "'\(sections[$0].name)'" }.joined(separator: ", ")
    guard let name else {
      if programs.count == 1 { return programs[0] }
      throw .object(
        programs.isEmpty ? "it holds no program" : "several sections hold programs: \(names); name one of them")
    }
    guard let place = programs.first(where: { sections[$0].name == name }) else {
      throw .object("no section '\(name)' holds a program\(programs.isEmpty ? "" : "; there are \(names)")")
    }
    return place
  }

  /// The first symbol that the bytes of a section refer to; `nil`: they stand for themselves.
  func reference(from section: Int) throws(HookProgramError) -> Reference? {
    for relocations in sections where relocations.info == section && !relocations.range.isEmpty {
      guard [Section.relocations, Section.relocationsWithAddend].contains(relocations.type) else { continue }
      let (place, info) = (relocations.range.lowerBound, relocations.range.lowerBound + 8)
      let offset = try number(at: place, UInt64.self)
      let symbol = try symbol(Int(number(at: info + 4, UInt32.self)), in: relocations.link)
      let isInSection = symbol.section > 0 && symbol.section < sections.count
      return Reference(
        offset: offset, symbol: symbol.name, place: isInSection ? sections[symbol.section].name : nil,
        isCall: try number(at: info, UInt32.self) == Self.call)
    }
    return nil
  }
  /// R_BPF_64_32.
  private static let call: UInt32 = 10

  /// Functions that begin in a section.
  func functions(in section: Int) throws(HookProgramError) -> [String] {
    // There is one table of symbols.
    guard let table = sections.firstIndex(where: { $0.type == Section.symbols }) else { return [] }
    var found: [String] = []
    for index in 0..<(sections[table].range.count / 24) {
      let symbol = try symbol(index, in: table)
      if symbol.kind == Symbol.function, symbol.section == section { found.append(symbol.name) }
    }
    return found
  }

  private func symbol(_ index: Int, in table: Int) throws(HookProgramError) -> Symbol {
    guard table < sections.count, sections[table].type == Section.symbols, index < sections[table].range.count / 24
    else { throw .object("a symbol lies outside of its table") }
    let place = sections[table].range.lowerBound + index * 24
    let kind = try number(at: place + 4, UInt8.self) & 15
    let section = try Int(number(at: place + 6, UInt16.self))
    var name = try text(at: Int(number(at: place, UInt32.self)), in: sections[table].link)
    // The symbol of a section bears its name.
    if kind == Symbol.sectionItself, section < sections.count { name = sections[section].name }
    return Symbol(name: name, kind: kind, section: section)
  }
}
