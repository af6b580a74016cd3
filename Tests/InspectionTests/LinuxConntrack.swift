import Foundation
import Glibc

/// The real conntrack(8), in a network of its own.
enum LinuxConntrack {
  /// Whether a network can be had, the tool is there, and the kernel tracks.
  static let isUsable = getuid() == 0 && run("conntrack -L >/dev/null 2>&1 && echo fine") == "fine\n"
  /// Whether rules can be had as well: without one the kernel tracks no packet and knows no labels.
  static let hasRules = isUsable && run("nft add table inet t && echo fine") == "fine\n"

  /// Runs a script of bash in a new network and says what it printed.
  static func run(_ script: String) -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
    process.arguments = ["--net", "--mount", "bash", "-c", script]
    let out = Pipe()
    process.standardOutput = out
    process.standardError = FileHandle.nullDevice
    // Threads of tests hold signals back, and what they start would do so too.
    var (none, before) = (sigset_t(), sigset_t())
    unsafe sigemptyset(&none)
    unsafe pthread_sigmask(SIG_SETMASK, &none, &before)
    let started: Void? = try? process.run()
    unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    guard started != nil else { return "" }
    let text = out.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: text, as: UTF8.self)
  }

  /// Lines between `== NAME` and the next of its kind.
  static func sections(_ text: String) -> [String: [String]] {
    var sections: [String: [String]] = [:]
    var name = ""
    for line in text.split(separator: "\n").map(String.init) {
      if line.hasPrefix("== ") {
        name = String(line.dropFirst(3))
        sections[name] = []
      } else {
        sections[name, default: []].append(line)
      }
    }
    return sections
  }

  /// Prepares a folder `$D`, counters, and start times if they are asked for.
  static func prelude(timestamps: Bool) -> String {
    """
    D=$(mktemp -d); trap 'rm -rf $D' EXIT
    sysctl -q -w net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_events=1
    sysctl -q -w net.netfilter.nf_conntrack_timestamp=\(timestamps ? 1 : 0)
    quietly() { "$@" >/dev/null 2>&1; }

    """
  }

  /// Listens with `conntrack -E` in each form, runs commands, and prints what was heard. Nothing is waited for but that
  /// it happens: a mark of a connection that comes and goes is seen by all before the commands, and after them.
  static func listening(_ forms: [String], _ commands: String) -> String {
    let starts = forms.enumerated().map { place, form in
      "conntrack -E \(form.isEmpty ? "" : "-o \(form)") >$D/\(place) 2>/dev/null & P=\"$P $!\""
    }
    return """
      mark() {
        for ((place = 0; place < \(forms.count); place++)); do
          until grep -q "$1" $D/$place; do
            quietly conntrack -I -p udp -s 203.0.113.9 -d 203.0.113.8 --sport $1 --dport 9 -t 100
            quietly conntrack -D -p udp -s 203.0.113.9 -d 203.0.113.8
          done
        done
      }
      \(starts.joined(separator: "\n"))
      mark 64001
      \(commands)
      mark 64002
      kill -INT $P; wait $P
      for ((place = 0; place < \(forms.count); place++)); do
        echo "== $place"; grep -vE '203\\.0\\.113\\.' $D/$place
      done
      """
  }
}
