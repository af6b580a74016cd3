// HookProgram: eBPF programs that users bring to a hook. An object file of clang is read (`ELFObject`), its program
// judged (`Judge`): without data of its own, without loops and calls, and cheap to validate. What passes can be given to
// a loader, which is DataPlane's business (rte_bpf); a worker then calls it for each packet (`HookCall`).
//
// Nothing here trusts the file: whatever its bytes are, reading it ends with a program or an error that says why not.

/// Why an object is not taken.
public enum HookProgramError: Error, Equatable, CustomStringConvertible {
  /// The file as such.
  case object(String)
  /// Of the section: what is wrong with the program as a whole.
  case program(section: String, String)
  /// Of an instruction in the section, counted from zero.
  case instruction(section: String, Int, String)
  /// The loader's own words.
  case loader(section: String, String)

  public var description: String {
    switch self {
    case .object(let cause): "not a usable eBPF object: \(cause)"
    case .program(let section, let cause): "section '\(section)': \(cause)"
    case .instruction(let section, let number, let cause): "section '\(section)', instruction \(number): \(cause)"
    case .loader(let section, let cause): "section '\(section)': rte_bpf does not take it: \(cause)"
    }
  }
}

/// A program that has been read and judged.
public struct HookProgram: Equatable, Sendable {
  /// The section it was in.
  public let section: String
  /// The function's name, if the object says.
  public let function: String?
  public let instructions: [Instruction]
  /// Ways through it, and what its validation costs, in steps (see `Judge.mostWork`).
  public let ways: UInt64
  public let work: UInt64

  /// - Parameters:
  ///   - bytes: the object file, as `clang -target bpf -mcpu=v2 -O2 -c` makes it.
  ///   - section: which one; needed where several hold programs.
  public init(_ bytes: [UInt8], section: String? = nil) throws(HookProgramError) {
    let object = try ELFObject(bytes)
    let place = try object.program(named: section)
    let name = object.sections[place].name
    if let reference = try object.reference(from: place) {
      let cause =
        reference.isCall
        ? "calls '\(reference.symbol)': programs call nothing"
        : "refers to '\(reference.symbol)'\(reference.place.map { " in section '\($0)'" } ?? ""): maps and other data "
          + "are not supported, a program sees its packet alone"
      throw .instruction(section: name, Int(reference.offset / 8), cause)
    }
    let functions = try object.functions(in: place)
    if functions.count > 1 {
      throw .program(
        section: name,
        "holds \(functions.count) functions ('\(functions[0])', '\(functions[1])'): a program is one; put each into a "
          + "section of its own, or have them inlined")
    }
    try self.init(
      Judge.decode(object.bytes(of: place), section: name), section: name, function: functions.first)
  }

  /// Instructions from elsewhere.
  public init(_ instructions: [Instruction], section: String, function: String? = nil) throws(HookProgramError) {
    guard instructions.count <= Judge.mostInstructions else {
      throw .program(
        section: section, "\(instructions.count) instructions are more than \(Judge.mostInstructions)")
    }
    (ways, work) = try Judge.judge(instructions, section: section)
    self.instructions = instructions
    self.section = section
    self.function = function
  }
}
