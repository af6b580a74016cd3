extension Corpus {
  static let definitions = """
    define a = 22
    table ip t { chain c { tcp dport $a accept; }; }
    --
    define a = { 22, 80 }
    define b = { $a, 443 }
    table ip t { chain c { tcp dport $b accept; }; }
    --
    define net = 10.0.0.0/8
    define hosts = { 1.2.3.4, $net }
    table ip t { set s { type ipv4_addr; flags interval; elements = $hosts; }; }
    table ip t { chain c { ip saddr $hosts; ip daddr { $net, 9.9.9.9 }; }; }
    --
    define if = "lo"
    table ip t { chain c { iifname $if; iifname { $if, "eth0" }; }; }
    --
    define p = -10
    table ip t { chain c { type filter hook forward priority 5; }; }
    --
    define f = filter
    table ip t { chain c { type filter hook forward priority $f + 5; policy accept; }; }
    --
    define pol = drop
    table ip t { chain c { type filter hook forward priority 0; policy $pol; }; }
    --
    define a = 22
    redefine a = 80
    table ip t { chain c { tcp dport $a accept; }; }
    --
    define a = 22
    define a = 23
    --
    define a = 22
    undefine a
    table ip t { chain c { tcp dport $a accept; }; }
    --
    undefine a
    --
    table ip t { chain c { tcp dport $a accept; }; }
    --
    define a = foo
    table ip t {
     chain c { tcp dport $a accept; }; }
    --
    table ip t {
     define a = 22
     chain c {
      define b = 80
      tcp dport { $a, $b }
     }
    }
    --
    table ip t {
     chain c {
      define b = 80
     }
     chain d {
      tcp dport $b
     }
    }
    --
    define m = 0x10
    table ip t { chain c { meta mark set $m; meta mark & $m == $m; ct mark set ct mark | $m; }; }
    --
    define c = other
    table ip t { chain other { }; chain c { jump $c; }; }
    --
    define s = new,established
    table ip t { chain c { ct state $s accept; }; }
    --
    define r = 20-30
    table ip t { chain c { tcp dport $r accept; tcp dport != $r; }; }
    --
    include "/nope.nft"
    --
    include "/nope/*.nft"
    table ip t { }
    """

  static let verbs = """
    add table ip t
    add chain ip t c
    add rule ip t c accept
    --
    add table t
    add chain t c { type filter hook forward priority 0; policy drop; }
    add rule t c counter
    add t c drop
    --
    add table ip t
    add chain ip t c
    add rule ip t c tcp dport 1
    add rule ip t c tcp dport 2
    insert rule ip t c tcp dport 3
    insert rule ip t c index 1 tcp dport 4
    add rule ip t c index 0 tcp dport 5
    --
    add table ip t
    add chain ip t c
    add rule ip t c index 0 tcp dport 5
    --
    add table ip t
    add chain ip t c
    add rule ip t c tcp dport 1
    insert rule ip t c index 5 tcp dport 5
    --
    add table ip t
    add chain ip t c
    add rule ip t c handle 99 tcp dport 5
    --
    create table ip t
    create chain ip t c
    --
    add table ip t
    create table ip t
    --
    add table ip t
    add table ip t
    add chain ip t c
    add chain ip t c
    create chain ip t c
    --
    add chain ip t c
    --
    add rule ip t c accept
    --
    add table ip t
    add rule ip t c accept
    --
    delete table ip t
    --
    add table ip t
    delete table ip t
    --
    add table ip t
    delete table ip t
    add chain ip t c
    --
    add table ip t
    add chain ip t c
    add rule ip t c accept
    delete chain ip t c
    --
    add table ip t
    add chain ip t c
    add rule ip t c accept
    flush chain ip t c
    delete chain ip t c
    --
    add table ip t
    add chain ip t c
    add chain ip t d
    add rule ip t d jump c
    delete chain ip t c
    --
    add table ip t
    add chain ip t c
    delete chain ip t d
    --
    add table ip t
    add chain ip t c
    add rule ip t c accept
    flush table ip t
    --
    add table ip t
    add chain ip t c
    add rule ip t c accept
    flush ruleset
    --
    add table ip t
    add table ip6 t
    flush ruleset ip6
    --
    add table ip t
    add chain ip t c
    add chain ip t d
    rename chain ip t c d
    --
    flush table ip t
    --
    flush chain ip t c
    --
    add table ip t
    delete rule ip t c handle 5
    --
    add table ip t
    add chain ip t c
    delete rule ip t c handle 99
    --
    add table ip t
    add chain ip t c
    replace rule ip t c handle 99 accept
    --
    add table ip t
    add counter ip t c
    add counter ip t d { packets 5 bytes 6; }
    add limit ip t l { rate 5/second; }
    add ct timeout ip t u { protocol tcp; policy = { established : 5 }; }
    --
    add table ip t
    add counter ip t c
    create counter ip t c
    --
    add table ip t
    add counter ip t c
    add chain ip t x
    add rule ip t x counter name c
    delete counter ip t c
    --
    add table ip t
    add counter ip t c
    delete counter ip t c
    --
    delete counter ip t c
    --
    add table ip t
    add limit ip t l { rate 5/second; }
    add chain ip t x
    add rule ip t x limit name l
    delete limit ip t l
    --
    add table ip t
    delete set ip t s
    --
    add table ip t
    add set ip t s { type ipv4_addr; }
    add set ip t s { type ipv4_addr; }
    create set ip t s { type ipv4_addr; }
    --
    add table ip t
    add set ip t s { type ipv4_addr; }
    add set ip t s { type inet_service; }
    --
    table ip t
    chain ip t c
    rule ip t c accept
    --
    add table ip t; add chain ip t c; add rule ip t c accept; insert rule ip t c drop
    --
    list ruleset
    --
    add table ip t { chain c { accept; }; }
    add chain ip t d { type filter hook forward priority 0; jump c; }
    """
}
