/// Small texts by what they are about; what they mean is for nft to say.
enum Theme: String, CaseIterable, Sendable {
  case matches, addresses, numbers, flags, transport, extensions, link, connections, sets, maps, statements, limits
  case namedSets, elements, tables, chains, priorities, definitions, verbs, invalidRules, invalidTables, invalidSyntax
  // By nft(8), section by section.
  case aboutPackets, aboutNetworks, aboutTransport, aboutOptions, aboutChains, aboutSets, aboutChanges, aboutTexts

  var texts: [String] {
    switch self {
    case .matches: rules(Corpus.matches, "inet")
    case .addresses:
      rules(Corpus.addresses, "inet") + rules(Corpus.addresses4, "ip") + rules(Corpus.addresses6, "ip6")
    case .numbers: rules(Corpus.numbers, "inet")
    case .flags: rules(Corpus.flags, "ip")
    case .transport: rules(Corpus.transport, "inet") + rules(Corpus.transport, "ip") + rules(Corpus.transport, "netdev")
    case .extensions: rules(Corpus.extensions, "ip6") + rules(Corpus.extensions, "inet")
    case .link: rules(Corpus.link, "netdev") + rules(Corpus.link, "inet")
    case .connections: rules(Corpus.connections, "ip") + rules(Corpus.connections, "inet")
    case .sets: rules(Corpus.anonymousSets, "inet")
    case .maps: rules(Corpus.maps, "inet")
    case .statements: rules(Corpus.statements, "inet") + rules(Corpus.statements, "ip") + rules(Corpus.rejects, "inet")
    case .limits: rules(Corpus.limits, "ip")
    case .namedSets: lines(Corpus.namedSets).map { "table ip t {\n chain y { }\n \($0)\n}\n" }
    case .elements: lines(Corpus.elements).map { Corpus.withSets + $0.replacing("; ", with: "\n") + "\n" }
    case .tables: blocks(Corpus.tables)
    case .chains: lines(Corpus.chains).map { "table \($0.replacing(" | ", with: " t {\n chain c {\n "))\n }\n}\n" }
    case .priorities:
      lines(Corpus.priorities).map {
        "table \($0.replacing(" | ", with: " t {\n chain c {\n type filter hook "))\n }\n}\n"
      }
    case .definitions: blocks(Corpus.definitions)
    case .verbs: blocks(Corpus.verbs)
    case .invalidRules: rules(Corpus.invalid, "ip") + rules(Corpus.invalid, "inet")
    case .invalidTables: blocks(Corpus.invalidBlocks)
    case .invalidSyntax: rules(Corpus.nonsense, "ip")
    case .aboutPackets: inFamilies(Corpus.metaTexts) { rules($0, $1) }
    case .aboutNetworks: inFamilies(Corpus.networkTexts) { rules($0, $1) }
    case .aboutTransport: inFamilies(Corpus.transportTexts) { rules($0, $1) }
    case .aboutOptions: inFamilies(Corpus.optionTexts) { rules($0, $1) }
    case .aboutChains: inFamilies(Corpus.chainTexts) { [Self.chain($0, $1)] }
    case .aboutSets: lines(Corpus.setTexts).map { "table ip t {\n chain y { }\n \($0)\n}\n" }
    case .aboutChanges:
      lines(Corpus.changeTexts).map { text in
        let parts = text.split(separator: " | ", omittingEmptySubsequences: false).map { "\($0)" }
        let set = parts[0].replacing(" }", with: "\n }")
        return "table ip t {\n \(set)\n chain y { }\n chain c {\n  type filter hook prerouting priority 0;\n"
          + "  \(parts.dropFirst().first ?? "")\n }\n}\n"
      }
    case .aboutTexts: blocks(Corpus.wholeTexts) + blocks(Corpus.spellings)
    }
  }

  /// Every text in the family that has all, and in one of the others.
  private func inFamilies(_ text: String, _ make: (String, String) -> [String]) -> [String] {
    let others = ["ip", "netdev", "ip6"]
    return lines(text).enumerated().flatMap { make($0.element, "inet") + make($0.element, others[$0.offset % 3]) }
  }

  private static func chain(_ line: String, _ family: String) -> String {
    """
    table \(family) t {
     counter x { }
     limit x { rate 5/second; }
     set s { type ipv4_addr; flags dynamic; }
     map m { type ipv4_addr : mark; flags dynamic; }
     chain d { }
     chain c {
      \(line)
     }
    }

    """
  }

  private func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }

  /// Divided by lines of `--`.
  private func blocks(_ text: String) -> [String] { text.split(separator: "\n--\n").map { "\($0)\n" } }

  /// A rule in a base chain, beside what rules can name.
  private func rules(_ text: String, _ family: String) -> [String] {
    let hook = family == "netdev" ? "ingress device \"lo\"" : "prerouting"
    return lines(text).map { rule in
      """
      table \(family) t {
        counter hits { packets 3 bytes 4
        }
        limit slow { rate 5/second
        }
        set ports { type inet_service; elements = { 22, 80 }
        }
        set hosts { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.0.2.1 }
        }
        set seen { type ipv4_addr; flags dynamic,timeout; size 100; timeout 1m;
        }
        set pairs { type ipv4_addr . inet_service; elements = { 192.0.2.1 . 22 }
        }
        map marks { type inet_service : mark; elements = { 22 : 5 }
        }
        map verdicts { type inet_service : verdict; elements = { 22 : accept, 80 : jump other }
        }
        map learned { type ipv4_addr : mark; flags dynamic,timeout; size 100;
        }
        chain other {
        }
        chain c {
          type filter hook \(hook) priority 0;
          \(rule)
        }
      }

      """
    }
  }
}

enum Corpus {}
